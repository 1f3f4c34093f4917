//! [`Plot`]: a picture as plain SVG, with everything that is written beside it as text of the page. The picture
//! stretches to the width of the page; letters and strokes keep their size.

use std::fmt::Write as _;
use std::io;

use super::axis::{Axis, Tick};
use super::markup::Markup;

/// The picture's own units.
pub(super) const WIDTH: f64 = 1_000.0;
pub(super) const HEIGHT: f64 = 400.0;

/// What the name of a row needs, in pixels.
const ROW: usize = 20;
/// So many rows have room in the least height of a picture.
const ROWS: usize = 11;
/// How high a picture is that need not be higher, in pixels, as in the style.
const LEAST_HIGH: usize = 300;

/// A picture.
pub(super) struct Plot {
    /// What it shows, in a few words.
    pub(super) title: String,
    /// What is to be seen, in a sentence or two: for who cannot see it.
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// From back to front.
    pub(super) layers: Vec<Layer>,
    /// Numbers at the upper edge, at places along it.
    pub(super) numbers: Vec<Tick>,
}

/// Shapes of one look.
pub(super) struct Layer {
    /// How it looks, by its name in the style.
    pub(super) look: &'static str,
    /// What it is, for the key; nothing for what needs no word.
    pub(super) word: &'static str,
    path: String,
}

impl Layer {
    pub(super) fn new(look: &'static str, word: &'static str) -> Self {
        Self {
            look,
            word,
            path: String::new(),
        }
    }

    fn put(&mut self, command: char, (x, y): (f64, f64)) {
        // Writing to a string cannot fail.
        let _ = write!(
            self.path,
            "{command}{} {}",
            short(x * WIDTH),
            short((1.0 - y) * HEIGHT)
        );
    }

    /// A dot.
    pub(super) fn dot(&mut self, at: (f64, f64)) {
        self.put('M', at);
        self.path.push_str("h0");
    }

    /// A line from place to place.
    pub(super) fn line(&mut self, places: impl IntoIterator<Item = (f64, f64)>) {
        let mut command = 'M';
        for place in places {
            self.put(command, place);
            command = 'L';
        }
    }

    /// An area between two lines.
    pub(super) fn area(&mut self, upper: &[(f64, f64)], lower: &[(f64, f64)]) {
        if upper.is_empty() {
            return;
        }
        self.line(upper.iter().copied().chain(lower.iter().rev().copied()));
        self.path.push('z');
    }

    /// An upright stroke; a dot where both ends are one.
    pub(super) fn stroke(&mut self, x: f64, (from, to): (f64, f64)) {
        self.put('M', (x, from));
        let _ = write!(self.path, "V{}", short((1.0 - to) * HEIGHT));
    }

    fn is_empty(&self) -> bool {
        self.path.is_empty()
    }

    /// Writes it into its picture.
    pub(super) fn draw(&self, m: &mut Markup<'_>) -> io::Result<()> {
        match self.is_empty() {
            true => Ok(()),
            false => m.empty("path", &[("class", self.look), ("d", &self.path)]),
        }
    }
}

/// One decimal, where it is not zero.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn percent(part: f64) -> String {
    short(part * 100.0)
}

impl Plot {
    /// Draws it, then says what is to be seen, then whatever `below` writes.
    pub(super) fn write(
        &self,
        m: &mut Markup<'_>,
        caption: &str,
        below: impl FnOnce(&mut Markup<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        m.within("figure", &[], |m| {
            m.say("h3", &[], &self.title)?;
            self.key(m)?;
            let high = match self.y.rows {
                0..=ROWS => None,
                rows => Some(format!(
                    "--high:{}px",
                    rows.saturating_mul(ROW).max(LEAST_HIGH)
                )),
            };
            let style = high.as_deref().map(|high| ("style", high));
            let frame: Vec<_> = [("class", "frame")].into_iter().chain(style).collect();
            m.within("div", &frame, |m| {
                m.say("p", &[("class", "unit up")], &self.y.title)?;
                let hidden = [("class", "y"), ("aria-hidden", "true")];
                m.within("div", &hidden, |m| {
                    labels(
                        m,
                        "top",
                        self.y.ticks.iter().map(|tick| (1.0 - tick.at, &tick.label)),
                    )
                })?;
                m.within("div", &[("class", "field")], |m| {
                    self.picture(m)?;
                    if self.numbers.is_empty() {
                        return Ok(());
                    }
                    let hidden = [("class", "numbers"), ("aria-hidden", "true")];
                    m.within("div", &hidden, |m| {
                        labels(
                            m,
                            "left",
                            self.numbers.iter().map(|tick| (tick.at, &tick.label)),
                        )
                    })
                })?;
                let hidden = [("class", "x"), ("aria-hidden", "true")];
                m.within("div", &hidden, |m| {
                    labels(
                        m,
                        "left",
                        self.x.ticks.iter().map(|tick| (tick.at, &tick.label)),
                    )
                })?;
                m.say("p", &[("class", "unit across")], &self.x.title)
            })?;
            m.say("figcaption", &[], caption)?;
            below(m)
        })
    }

    fn key(&self, m: &mut Markup<'_>) -> io::Result<()> {
        let told = |layer: &&Layer| !layer.word.is_empty() && !layer.is_empty();
        let told: Vec<&Layer> = self.layers.iter().filter(told).collect();
        if told.is_empty() {
            return Ok(());
        }
        m.within("ul", &[("class", "key")], |m| {
            for layer in told {
                m.within("li", &[], |m| {
                    let look = format!("swatch {}", layer.look);
                    m.say("i", &[("class", &look), ("aria-hidden", "true")], "")?;
                    m.text(layer.word)
                })?;
            }
            Ok(())
        })
    }

    fn picture(&self, m: &mut Markup<'_>) -> io::Result<()> {
        let (title, description) = (m.name(), m.name());
        let names = format!("{title} {description}");
        let view = format!("0 0 {} {}", short(WIDTH), short(HEIGHT));
        let attributes = [
            ("viewBox", view.as_str()),
            ("preserveAspectRatio", "none"),
            ("role", "img"),
            ("aria-labelledby", &names),
        ];
        m.within("svg", &attributes, |m| {
            m.say("title", &[("id", &title)], &self.title)?;
            m.say("desc", &[("id", &description)], &self.description)?;
            let mut grid = Layer::new("grid", "");
            for tick in &self.y.ticks {
                grid.line([(0.0, tick.at), (1.0, tick.at)]);
            }
            for tick in &self.x.ticks {
                grid.stroke(tick.at, (0.0, 1.0));
            }
            let mut layers = std::iter::once(&grid).chain(&self.layers);
            layers.try_for_each(|layer| layer.draw(m))
        })
    }
}

fn labels<'a>(
    m: &mut Markup<'_>,
    edge: &str,
    all: impl Iterator<Item = (f64, &'a String)>,
) -> io::Result<()> {
    for (at, label) in all {
        // At the right edge there is no room for half of it: it ends at its line.
        let ends = match edge == "left" && at > 0.95 {
            true => ";transform:translateX(-100%)",
            false => "",
        };
        let place = format!("{edge}:{}%{ends}", percent(at));
        m.say("span", &[("style", &place)], label)?;
    }
    Ok(())
}
