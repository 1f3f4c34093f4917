//! What a person sees while it runs: one line on a terminal, and bad news at once.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output;
use crate::sample::{Event, Note, Sink, SourceId, SourceInfo, SourceKind};
use crate::time::{Monotonic, TimeDelta};

/// A [`Sink`] that shows how far the run is. Off a terminal it only tells bad news, as lines.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    sources: Vec<Arc<SourceInfo>>,
    /// Whether there is a source that is not this program's own server.
    has_others: bool,
    /// Whether only the noise floor, which comes first, has been measured so far.
    is_at_floor: bool,
    started: Option<Monotonic>,
    samples: u64,
    lost: u64,
    shown: Monotonic,
    told: u32,
}

/// With thousands of servers the news would bury the report: the rest is left to its warnings.
const NEWS: u32 = 20;

/// The line is redrawn at most this often.
const REDRAW: TimeDelta = TimeDelta::from_millis(200);

impl Progress {
    /// A line that counts up to `duration`, or to `requests`, whichever is known.
    pub(super) fn new(duration: Option<TimeDelta>, requests: Option<u64>) -> Self {
        let bar = output::is_watched().then(|| {
            let end = match (duration, requests) {
                (Some(d), _) => format!(" of {}", humantime::format_duration(d.to_duration())),
                (None, Some(n)) => format!(", {n} requests"),
                (None, None) => String::new(),
            };
            let bar = ProgressBar::new_spinner();
            let template = format!("{{spinner}} {{elapsed}}{end}: {{wide_msg}}");
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar.set_message("waiting for the first answer (Ctrl-C ends early and reports)");
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self {
            bar,
            sources: Vec::new(),
            has_others: false,
            is_at_floor: false,
            started: None,
            samples: 0,
            lost: 0,
            shown: Monotonic::default(),
            told: 0,
        }
    }

    /// Removes the line, so that the report stands alone.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn redraw(&mut self, now: Monotonic) {
        let Some(bar) = &self.bar else { return };
        if now.since(self.shown) < REDRAW {
            return;
        }
        self.shown = now;
        let done = if self.is_at_floor {
            "first this host's noise floor".to_owned()
        } else {
            format!("{} answers, {} lost", self.samples, self.lost)
        };
        bar.set_message(format!("{done} (Ctrl-C ends early and reports)"));
    }

    /// Whether a source is measured for the noise floor alone, before those that were asked for.
    fn is_beside(&self, id: SourceId) -> bool {
        let source = self.sources.get(id.index());
        self.has_others && source.is_some_and(|info| info.kind == SourceKind::Embedded)
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::complain(line)),
            None => output::complain(line),
        }
    }

    /// What a person should know before the report comes.
    fn tell(&mut self, source: Option<SourceId>, note: &Note) {
        let info = source.and_then(|id| self.sources.get(id.index()));
        // Of a server that is asked in a burst it was told before.
        if info.is_some_and(|info| info.kind == SourceKind::Burst) {
            return;
        }
        let whom = match (info, source) {
            // Nobody asked for that address.
            (Some(info), Some(id)) if self.is_beside(id) => format!("{}: ", info.source),
            (Some(info), _) => format!("{info}: "),
            (None, _) => String::new(),
        };
        let news = match note {
            Note::Unreachable { error } => format!("{whom}cannot be reached: {error}"),
            Note::GivenUp => format!("{whom}given up, it never answered"),
            Note::Stopped { kiss } => format!("{whom}not asked any more. {}", kiss.describe()),
            Note::Unresolved { source, error } => format!("{source}: {error}"),
            Note::StampsUnavailable { error } => format!("no kernel timestamps: {error}"),
            Note::NoFloor { error } => format!("no noise floor: {error}"),
            _ => return,
        };
        self.told += 1;
        match self.told {
            1..=NEWS => self.say(&news),
            n if n == NEWS + 1 => self.say("more such news is left to the report's warnings"),
            _ => {}
        }
    }
}

impl Sink for Progress {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Source(info) => {
                self.has_others |= info.kind != SourceKind::Embedded;
                self.sources.push(Arc::clone(info));
            }
            Event::Sample(id, _) | Event::Lost(id, ..) if self.is_beside(*id) => {
                self.is_at_floor = self.samples + self.lost == 0;
            }
            Event::Sample(_, sample) => {
                self.is_at_floor = false;
                self.samples += 1;
                let started = *self.started.get_or_insert(sample.at);
                self.redraw(started.max(sample.at));
            }
            Event::Lost(_, now, _) => {
                self.is_at_floor = false;
                self.lost += 1;
                self.redraw(*now);
            }
            Event::Note(source, _, note) => self.tell(*source, note),
            _ => {}
        }
    }

    fn tick(&mut self, now: Monotonic) {
        self.redraw(now);
    }
}
