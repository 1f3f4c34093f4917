//! [`Author`]: who wrote a line, as far as it shows.

use super::super::files::Files;

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Author {
    /// Whoever made the package or the image: it names what distributions and clouds name.
    Image,
    /// cloud-init, on its first boot.
    CloudInit,
    /// What carries servers from a DHCP client to a time daemon.
    Dhcp,
    /// None of these, so whoever runs the host.
    Site,
}

impl Author {
    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "the image",
            Self::CloudInit => "cloud-init",
            Self::Dhcp => "DHCP",
            Self::Site => "whoever runs it",
        }
    }
}

/// Who wrote a file as a whole, where that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Writer(Option<Author>);

impl Writer {
    /// Of a file, by where it is, by how it begins and by what was left beside it.
    pub(super) fn of(files: &Files, file: &str, content: &[u8]) -> Self {
        if DHCP_FOLDERS.iter().any(|folder| file.starts_with(folder)) || is_dhcp_drop_in(file) {
            return Self(Some(Author::Dhcp));
        }
        let head = content.get(..HEAD).unwrap_or(content);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        if head.contains("cloud-init") {
            return Self(Some(Author::CloudInit));
        }
        // It keeps what it replaces, and remembers that it ran.
        if files.exists(&format!("{file}.dist")) && files.exists(CLOUD_INIT_RAN) {
            return Self(Some(Author::CloudInit));
        }
        Self(None)
    }

    /// Who wrote this line of it, which names this server.
    pub(super) fn author(self, line: &str, server: &str) -> Author {
        match self.0 {
            Some(author) => author,
            None if line.contains(DHCLIENT_SCRIPT) => Author::Dhcp,
            None if is_of_an_image(server) => Author::Image,
            None => Author::Site,
        }
    }
}

/// Bytes of a file in which a program says that it wrote it.
const HEAD: usize = 1_024;
/// What cloud-init leaves when its module for time servers has run.
const CLOUD_INIT_RAN: &str = "/var/lib/cloud/instance/sem/config_ntp";
/// What dhclient's script of RHEL 7 adds to each line of its own.
const DHCLIENT_SCRIPT: &str = "added by /sbin/dhclient-script";

/// Where DHCP clients and their hooks leave servers for time daemons.
const DHCP_FOLDERS: [&str; 9] = [
    "/run/chrony-dhcp/",
    "/var/run/chrony-dhcp/",
    "/run/chrony.d/",
    "/var/lib/dhclient/",
    "/var/lib/dhcp/",
    "/run/netconfig/",
    "/var/run/netconfig/",
    "/run/ntpsec/",
    "/run/ntp.conf.dhcp",
];

/// Drop-ins of timesyncd that hooks of dhclient and dhcpcd write.
fn is_dhcp_drop_in(file: &str) -> bool {
    let drop_in = file.strip_prefix("/run/systemd/timesyncd.conf.d/");
    drop_in.is_some_and(|name| name.contains("dhcp") || name.contains("dhclient"))
}

/// Servers that packages and images come with, beside the pool's zones of vendors.
const DEFAULTS: [&str; 14] = [
    "pool.ntp.org",
    "ntp.ubuntu.com",
    "time.aws.com",
    "169.254.169.123",
    "fd00:ec2::123",
    "metadata.google.internal",
    "169.254.169.254",
    "time.cloudflare.com",
    "time.google.com",
    "time1.google.com",
    "time2.google.com",
    "time3.google.com",
    "time4.google.com",
    "phc /dev/ptp_hyperv",
];

/// Zones of the pool that are no vendor's: continents. Those of countries have two letters.
const CONTINENTS: [&str; 6] = [
    "africa",
    "asia",
    "europe",
    "north-america",
    "oceania",
    "south-america",
];

/// Whether a server is one that packages and images come with. `2.debian.pool.ntp.org` and `rhel.pool.ntp.org` are
/// of zones that the pool gives to vendors, those of countries and continents are chosen by hand.
fn is_of_an_image(server: &str) -> bool {
    let server = server.trim_end_matches('.').to_ascii_lowercase();
    if DEFAULTS.contains(&server.as_str()) || server.ends_with(".ntp.ubuntu.com") {
        return true;
    }
    let Some(zone) = server.strip_suffix(".pool.ntp.org") else {
        return false;
    };
    let is_number = |text: &str| text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit());
    let zone = match zone.split_once('.') {
        Some((number, zone)) if is_number(number) => zone,
        _ => zone,
    };
    let is_place = zone.len() == 2 || CONTINENTS.contains(&zone);
    is_number(zone) || !is_place && !zone.contains('.')
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Tree;
    use super::*;

    #[test]
    fn vendors_zones_are_the_image_s_and_countries_are_not() {
        let none = Writer(None);
        for server in [
            "2.debian.pool.ntp.org",
            "rhel.pool.ntp.org",
            "0.pool.ntp.org",
            "NTP.Ubuntu.com.",
        ] {
            assert_eq!(none.author("", server), Author::Image, "{server}");
        }
        for server in [
            "de.pool.ntp.org",
            "1.europe.pool.ntp.org",
            "ntp1.example.org",
            "192.0.2.1",
        ] {
            assert_eq!(none.author("", server), Author::Site, "{server}");
        }
        assert_eq!(
            none.author("server a # added by /sbin/dhclient-script", "a"),
            Author::Dhcp
        );
    }

    #[test]
    fn files_say_who_wrote_them() {
        let tree = Tree::of(&[
            ("etc/ntp.conf.dist", ""),
            ("etc/ntpd.conf.dist", ""),
            ("var/lib/cloud/instance/sem/config_ntp", ""),
        ]);
        let files = tree.files();
        let by =
            |file, content: &[u8]| Writer::of(&files, file, content).author("", "ntp1.example.org");
        assert_eq!(by("/run/chrony-dhcp/eth0.sources", b""), Author::Dhcp);
        assert_eq!(
            by("/run/systemd/timesyncd.conf.d/01-dhclient.conf", b""),
            Author::Dhcp
        );
        assert_eq!(
            by("/run/systemd/timesyncd.conf.d/site.conf", b""),
            Author::Site
        );
        assert_eq!(
            by(
                "/etc/systemd/timesyncd.conf.d/x.conf",
                b"# cloud-init generated file\n"
            ),
            Author::CloudInit
        );
        assert_eq!(by("/etc/ntp.conf", b""), Author::CloudInit);
        assert_eq!(by("/etc/chrony.conf", &[0xff; 5_000]), Author::Site);
    }
}
