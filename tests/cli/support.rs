//! Running the binary within bounds, and what is true of every run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clockfit::net::clock;
use clockfit::sample::Rejection;
use clockfit::time::TimeDelta;
use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const CLOCKFIT: &str = env!("CARGO_BIN_EXE_clockfit");

/// After this a command hangs, on whatever machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A command that has ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: TimeDelta,
}

impl Ended {
    /// Checks what no run may ever do.
    pub(crate) fn new(
        code: Option<i32>,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        took: TimeDelta,
    ) -> Self {
        let stdout = String::from_utf8(stdout).unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        let code = code.unwrap_or_else(|| panic!("killed, or hung\n{stdout}\n{stderr}"));
        // 1 and 3 are verdicts, which only `check` has.
        assert!((0..=3).contains(&code), "exit code {code}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        for text in [&stdout, &stderr] {
            assert!(!text.contains('\u{1b}'), "escape codes in {text:?}");
        }
        Self {
            code,
            stdout,
            stderr,
            took,
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Fails unless it ended with 2 and a line on standard error that holds all of `words`.
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, 2, "{}\n{}", self.stdout, self.stderr);
        let told = self
            .stderr
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)));
        assert!(told, "no line with all of {words:?} in:\n{}", self.stderr);
    }
}

/// Runs the binary to its end, with nothing of the caller's environment that changes its output.
pub(crate) fn clockfit<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    run(assert_cmd::Command::new(CLOCKFIT).args(args))
}

/// Runs a script in which `$CLOCKFIT` is the binary: for limits and redirections that only a shell
/// can set without unsafe code.
pub(crate) fn shell(script: &str) -> Ended {
    run(assert_cmd::Command::new("sh")
        .args(["-c", script])
        .env("CLOCKFIT", CLOCKFIT))
}

pub(crate) fn run(command: &mut assert_cmd::Command) -> Ended {
    let start = clock::counter();
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .timeout(PATIENCE)
        .output()
        .unwrap();
    let took = clock::counter().since(start);
    Ended::new(output.status.code(), output.stdout, output.stderr, took)
}

/// A measurement, its JSON report and its recording.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) ended: Ended,
    pub(crate) report: Value,
    pub(crate) recording: PathBuf,
    _folder: TempDir,
}

/// Runs `clockfit measure ARGS` with a JSON report and a recording, and holds it to what is true of
/// every run: requests add up, and the recording replays to the same bytes and the same exit code.
pub(crate) fn measure(args: &[&str]) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.jsonl");
    let ended = clockfit(
        ["measure", "-f", "json", "-o"]
            .map(OsStr::new)
            .into_iter()
            .chain([recording.as_os_str()])
            .chain(args.iter().map(OsStr::new)),
    );
    let report = ended.json();
    adds_up(&report);
    let replay = analyse(&recording, "json");
    assert_eq!(ended.stdout, replay.stdout, "the replay differs");
    assert_eq!(ended.code, replay.code);
    Measured {
        ended,
        report,
        recording,
        _folder: folder,
    }
}

pub(crate) fn analyse(file: &Path, format: &str) -> Ended {
    clockfit([
        OsStr::new("analyse"),
        file.as_os_str(),
        OsStr::new("-f"),
        OsStr::new(format),
    ])
}

/// Every request ended exactly once: as a sample, as lost, or with its answer rejected.
pub(crate) fn adds_up(report: &Value) {
    for source in report["sources"].as_array().unwrap() {
        let rejected: u64 = Rejection::ALL
            .iter()
            .filter(|r| r.ends_request())
            .map(|r| source["rejected"][r.name()].as_u64().unwrap_or(0))
            .sum();
        let n = |field: &str| source[field].as_u64().unwrap();
        assert_eq!(n("sent"), n("valid") + n("lost") + rejected, "{source:#}");
    }
}

impl Measured {
    /// The one source of the report.
    pub(crate) fn source(&self) -> &Value {
        assert_eq!(self.report["sources"].as_array().unwrap().len(), 1);
        &self.report["sources"][0]
    }

    /// A count of the one source, 0 where it is not there.
    pub(crate) fn count(&self, pointer: &str) -> u64 {
        self.source()
            .pointer(pointer)
            .map_or(0, |value| value.as_u64().unwrap())
    }

    /// Packets that were rejected, under any name.
    pub(crate) fn rejected(&self) -> u64 {
        let all = self.source()["rejected"].as_object().unwrap();
        all.values().map(|n| n.as_u64().unwrap()).sum()
    }

    /// A signed number of the one source.
    pub(crate) fn number(&self, pointer: &str) -> i64 {
        number(self.source(), pointer)
    }

    /// Whether the report warns so.
    pub(crate) fn warns(&self, code: &str) -> bool {
        warns(&self.report, code)
    }
}

pub(crate) fn number(value: &Value, pointer: &str) -> i64 {
    let found = value.pointer(pointer).and_then(Value::as_i64);
    found.unwrap_or_else(|| panic!("no number at {pointer} of {value:#}"))
}

pub(crate) fn warns(report: &Value, code: &str) -> bool {
    report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|warning| warning["code"] == code)
}

mod fake {
    use std::net::{SocketAddr, UdpSocket};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use clockfit::net::clock;
    use clockfit::responder::{Config, Responder};
    use clockfit::wire::{Header, Packet};

    /// A server on loopback that does whatever it is told with each request.
    pub(crate) struct Fake {
        pub(crate) address: SocketAddr,
        asked: Arc<AtomicU64>,
        stop: Arc<AtomicBool>,
        thread: Option<thread::JoinHandle<()>>,
    }

    /// A request that reached a [`Fake`].
    pub(crate) struct Asked<'a> {
        /// How many came before.
        pub(crate) number: u64,
        /// Where answers go.
        pub(crate) from: SocketAddr,
        /// Where it came in.
        pub(crate) socket: &'a UdpSocket,
        /// What an honest server would answer.
        pub(crate) honest: Header,
    }

    impl Asked<'_> {
        /// Answers with these bytes.
        pub(crate) fn send(&self, bytes: &[u8]) {
            // The one who asked may have gone.
            let _ = self.socket.send_to(bytes, self.from);
        }

        /// Answers with the honest header, changed.
        pub(crate) fn answer(&self, change: impl FnOnce(&mut Header)) {
            let mut header = self.honest;
            change(&mut header);
            self.send(&header.to_bytes());
        }
    }

    impl Fake {
        pub(crate) fn new(behave: impl FnMut(&Asked<'_>) + Send + 'static) -> Self {
            Self::at("127.0.0.1:0", behave)
        }

        pub(crate) fn honest() -> Self {
            Self::new(|asked| asked.answer(|_| {}))
        }

        pub(crate) fn at(listen: &str, behave: impl FnMut(&Asked<'_>) + Send + 'static) -> Self {
            Self::lying(listen, Config::default(), behave)
        }

        /// As `config` says: `drift_start` is of no use here.
        pub(crate) fn lying(
            listen: &str,
            config: Config,
            mut behave: impl FnMut(&Asked<'_>) + Send + 'static,
        ) -> Self {
            let socket = UdpSocket::bind(listen).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_millis(20)))
                .unwrap();
            let address = socket.local_addr().unwrap();
            let asked = Arc::new(AtomicU64::new(0));
            let stop = Arc::new(AtomicBool::new(false));
            let (seen, counted) = (Arc::clone(&stop), Arc::clone(&asked));
            let thread = thread::spawn(move || {
                let mut responder = Responder::new(config);
                let mut buffer = [0; 2048];
                while !seen.load(Ordering::Relaxed) {
                    let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                        continue;
                    };
                    let now = clock::wall();
                    let reply = responder.respond(&buffer[..length], now, clock::wall());
                    // Whatever is no request for the time has no answer.
                    let Ok(reply) = reply else { continue };
                    let honest = Packet::parse(&reply.bytes).unwrap().header;
                    behave(&Asked {
                        number: counted.fetch_add(1, Ordering::Relaxed),
                        from,
                        socket: &socket,
                        honest,
                    });
                }
            });
            Self {
                address,
                asked,
                stop,
                thread: Some(thread),
            }
        }

        /// How it is named on the command line.
        pub(crate) fn name(&self) -> String {
            self.address.to_string()
        }

        /// Requests that reached it.
        pub(crate) fn asked(&self) -> u64 {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            self.stop.store(true, Ordering::Relaxed);
            let ended = self.thread.take().map(thread::JoinHandle::join);
            if let Some(Err(_)) = ended
                && !thread::panicking()
            {
                panic!("the fake server failed");
            }
        }
    }
}

pub(crate) use fake::{Asked, Fake};

mod process {
    use std::ffi::OsStr;
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, Command, Stdio};

    use clockfit::net::clock;
    use clockfit::time::{Monotonic, TimeDelta};
    use rustix::process::{Pid, Signal, kill_process};

    use super::{CLOCKFIT, Ended, PATIENCE};

    /// A command that is still running.
    pub(crate) struct Running {
        child: Option<Child>,
        started: Monotonic,
    }

    impl Running {
        pub(crate) fn new<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
            let child = Command::new(CLOCKFIT)
                .args(args)
                .env("LC_ALL", "C.UTF-8")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            Self {
                child: Some(child),
                started: clock::counter(),
            }
        }

        fn child(&mut self) -> &mut Child {
            self.child.as_mut().unwrap()
        }

        pub(crate) fn runs(&mut self) -> bool {
            self.child().try_wait().unwrap().is_none()
        }

        pub(crate) fn signal(&mut self, signal: Signal) {
            kill_process(Pid::from_child(self.child()), signal).unwrap();
        }

        /// The next line on standard error.
        pub(crate) fn error_line(&mut self) -> String {
            // Byte by byte, so that nothing is taken that the end would miss.
            let stderr = self.child().stderr.as_mut().unwrap();
            let mut line = String::new();
            BufReader::with_capacity(1, stderr)
                .read_line(&mut line)
                .unwrap();
            line
        }

        /// Waits for the end by itself.
        pub(crate) fn end(mut self) -> Ended {
            let started = self.started;
            wait_until("the command ends", || !self.runs());
            let took = clock::counter().since(started);
            let output = self.child.take().unwrap().wait_with_output().unwrap();
            Ended::new(output.status.code(), output.stdout, output.stderr, took)
        }

        /// SIGKILL, and nothing to be read.
        pub(crate) fn kill(mut self) {
            let mut child = self.child.take().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            if let Some(mut child) = self.child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }

    /// Fails where `done` takes too long.
    pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
        let start = clock::counter();
        while !done() {
            let waited = clock::counter().since(start);
            assert!(waited < PATIENCE.into(), "still waiting until {what}");
            clock::sleep(TimeDelta::from_millis(10));
        }
    }

    /// `clockfit serve` on loopback, ended with this value.
    pub(crate) struct Serving {
        process: Running,
        /// Where it listens, by its own word.
        pub(crate) address: std::net::SocketAddr,
    }

    impl Serving {
        pub(crate) fn new(listen: &str, args: &[&str]) -> Self {
            let mut process = Running::new(["serve", "--listen", listen].iter().chain(args));
            let line = process.error_line();
            let address = line
                .strip_prefix("serving NTP at ")
                .and_then(|rest| rest.split(',').next())
                .and_then(|address| address.parse().ok())
                .unwrap_or_else(|| panic!("no address in {line:?}"));
            Self { process, address }
        }

        /// Interrupts it, and gives what it said after its first line.
        pub(crate) fn end(mut self) -> String {
            self.process.signal(Signal::INT);
            let mut said = String::new();
            let stderr = self.process.child().stderr.as_mut().unwrap();
            stderr.read_to_string(&mut said).unwrap();
            assert_eq!(self.process.end().code, 0);
            said
        }
    }
}

pub(crate) use process::{Running, Serving, wait_until};

/// Whether this host uses servers, or is offered some, which are asked where none is named.
pub(crate) fn knows_servers() -> bool {
    let found = clockfit(["discover", "-f", "json"]).json();
    let daemons = found["running"].as_array().unwrap().iter();
    let mut servers = daemons.flat_map(|of| of["servers"].as_array().unwrap());
    let mut offers = found["offers"].as_array().unwrap().iter();
    let is_network = |of: &Value| of["by"] != "machine" && of["by"] != "hypervisor";
    servers.any(|of| of["selection"] != "unusable") || offers.any(is_network)
}
