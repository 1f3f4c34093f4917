//! `clockfit serve`: the embedded server, for labs and tests.

use anyhow::Context;

use super::Exit;
use super::args::ServeArgs;
use super::output;
use crate::net::clock;
use crate::responder::Config;
use crate::server::Server;

/// Answers until SIGINT or SIGTERM.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    let config = Config {
        stratum: args.stratum,
        offset: args.offset,
        drift: args.drift,
        drift_start: clock::wall(),
        ..Config::default()
    };
    let server = Server::bind(args.listen, config).with_context(|| {
        let hint = match args.listen.port() {
            0..1024 => " (ports below 1024 need root or CAP_NET_BIND_SERVICE)",
            _ => "",
        };
        format!("cannot listen at {}{hint}", args.listen)
    })?;
    output::complain(&format!(
        "serving NTP at {}, until Ctrl-C",
        server.local_address()?
    ));
    if config.lies() {
        output::complain(&format!(
            "WARNING: this server LIES on purpose: its time is {:+.9} s ahead of this host's clock \
             and gains {} ppb; never let a real client use it",
            args.offset.as_secs_f64(),
            args.drift.as_ppb(),
        ));
    }
    let served = server.run_until_signal()?;
    output::complain(&format!(
        "answered {}, refused {} packets that were no requests; {} answers were interleaved",
        served.answered, served.refused, served.interleaved
    ));
    Ok(Exit::Measured)
}
