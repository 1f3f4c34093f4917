//! Captures from real tools, from hand and from chance.

mod container;
mod corpus;
mod frame;
mod kit;
mod place;
mod rules;
mod truth;
