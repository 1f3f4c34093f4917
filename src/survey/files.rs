//! [`Files`]: the files below one folder, and nothing outside of it.
//!
//! A folder may be a disk image that a stranger made. Links are followed as that system would follow them, with the
//! folder as their root, by the kernel itself (openat2 with `RESOLVE_IN_ROOT`); only regular files are opened, so that
//! no device and no pipe is touched; and all that is read is bounded.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2, readlinkat};
use rustix::io::Errno;

use super::lines;
use crate::time::{NANOS_PER_SEC, Timestamp};

/// Bytes of one file that are read; time daemons' own files have some kilobytes.
const MOST_BYTES: u64 = 1 << 20;
/// Bytes of all files together.
const MOST_IN_ALL: u64 = 32 << 20;
/// Files that are opened.
const MOST_FILES: usize = 5_000;
/// Entries of one folder that are looked at.
const MOST_ENTRIES: usize = 4_096;
/// Entries of all folders together, and names that files tell to look for: a file may name the same folder over and
/// over.
const MOST_LOOKS: usize = 100_000;
/// Bytes of a link's target, which the kernel limits so.
const LONGEST_LINK: usize = 4_096;
/// What could not be read is told so many times.
const MOST_MISSED: usize = 100;

/// The files below one folder.
#[derive(Debug)]
pub struct Files {
    root: OwnedFd,
    left: u64,
    opened: usize,
    looks: usize,
    missed: BTreeMap<String, String>,
    /// Whether there is more of that than is told.
    missed_more: bool,
}

/// Something that is there and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Its path below the folder.
    pub path: String,
    /// Why.
    pub why: String,
}

/// A folder cannot be surveyed.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", .root.display())]
pub struct NoRoot {
    /// The folder.
    pub root: PathBuf,
    /// Why.
    pub why: String,
}

impl Files {
    /// Those of a folder: `/` for this host, or where an image is mounted.
    ///
    /// # Errors
    ///
    /// It is no folder, may not be entered, or this kernel cannot keep links inside of it (before Linux 5.6).
    pub fn below(root: &Path) -> Result<Self, NoRoot> {
        let refused = |why: String| NoRoot {
            root: root.to_owned(),
            why,
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = open(root, flags, Mode::empty());
        let opened = opened.map_err(|error| refused(io::Error::from(error).to_string()))?;
        let files = Self {
            root: opened,
            left: MOST_IN_ALL,
            opened: 0,
            looks: 0,
            missed: BTreeMap::new(),
            missed_more: false,
        };
        match files.open(".", OFlags::PATH | OFlags::DIRECTORY) {
            Ok(_) => Ok(files),
            Err(Errno::NOSYS | Errno::PERM) => Err(refused(
                "this kernel, or what confines this process, has no openat2, which keeps links inside of a folder \
                 (Linux 5.6)"
                    .to_owned(),
            )),
            Err(error) => Err(refused(io::Error::from(error).to_string())),
        }
    }

    /// What is there and could not be read, by path.
    pub(super) fn missed(&self) -> Vec<Missed> {
        let missed = self.missed.iter();
        let more = self.missed_more.then(|| Missed {
            path: "/".to_owned(),
            why: format!("has more than {MOST_MISSED} of these: the others are not told"),
        });
        let told = missed.map(|(path, why)| Missed {
            path: path.clone(),
            why: why.clone(),
        });
        told.chain(more).collect()
    }

    /// A regular file, at most a megabyte of it; nothing where there is none. What is there and cannot be read is
    /// noted.
    pub(super) fn read(&mut self, path: &str) -> Option<Vec<u8>> {
        match self.try_read(path) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.miss(path, why);
                None
            }
        }
    }

    fn try_read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let said = |error: Errno| io::Error::from(error).to_string();
        let there = match self.open(path, OFlags::PATH) {
            Ok(there) => there,
            Err(error) if is_absent(error) => return Ok(None),
            Err(error) => return Err(said(error)),
        };
        match FileType::from_raw_mode(fstat(&there).map_err(said)?.st_mode) {
            FileType::RegularFile => {}
            // A folder is no file that is missing something.
            FileType::Directory => return Ok(None),
            // Masked: what is /dev/null says nothing.
            FileType::CharacterDevice if self.link(path).as_deref() == Some("/dev/null") => {
                return Ok(None);
            }
            _ => return Err("is no regular file, and was not opened".to_owned()),
        }
        if self.opened >= MOST_FILES || self.left == 0 {
            return Err("was not read: there are too many files before it".to_owned());
        }
        self.opened += 1;
        let file = self
            .open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
            .map_err(said)?;
        // What took its place in between is not read either.
        let opened = FileType::from_raw_mode(fstat(&file).map_err(said)?.st_mode);
        if opened != FileType::RegularFile {
            return Err("is no regular file any more".to_owned());
        }
        let most = MOST_BYTES.min(self.left);
        let mut bytes = Vec::new();
        let read = std::fs::File::from(file)
            .take(most + 1)
            .read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(length);
        if length > most {
            bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            self.miss(
                path,
                format!("is longer than {most} bytes: the rest was not read"),
            );
        }
        if let Some(why) = lines::too_much(&bytes) {
            self.miss(path, why);
        }
        Ok(Some(bytes))
    }

    /// When a file was written last.
    pub(super) fn changed(&self, path: &str) -> Option<Timestamp> {
        let status = fstat(self.open(path, OFlags::PATH).ok()?).ok()?;
        let nanos = i64::try_from(status.st_mtime_nsec).unwrap_or(0);
        let nanos = status
            .st_mtime
            .saturating_mul(NANOS_PER_SEC)
            .saturating_add(nanos);
        Some(Timestamp::from_nanos(nanos))
    }

    /// Names in a folder, sorted; nothing where there is none.
    pub(super) fn list(&mut self, folder: &str) -> Vec<String> {
        if !self.may_look(folder) {
            return Vec::new();
        }
        let opened = self.open(folder, OFlags::RDONLY | OFlags::DIRECTORY);
        let dir = match opened.and_then(Dir::read_from) {
            Ok(dir) => dir,
            Err(error) if is_absent(error) => return Vec::new(),
            Err(error) => {
                self.miss(folder, io::Error::from(error).to_string());
                return Vec::new();
            }
        };
        let entries = dir.filter_map(Result::ok).map(|entry| {
            let name = entry.file_name();
            name.to_str().map(str::to_owned).map_err(drop)
        });
        let named = entries.filter(|name| !matches!(name.as_deref(), Ok("." | "..")));
        let mut all: Vec<Result<String, ()>> = named.take(MOST_ENTRIES + 1).collect();
        if all.len() > MOST_ENTRIES {
            all.truncate(MOST_ENTRIES);
            self.miss(
                folder,
                format!("has more than {MOST_ENTRIES} entries: the others were not looked at"),
            );
        }
        self.looks += all.len();
        if all.iter().any(Result::is_err) {
            let why = "has names that are no UTF-8, which were not looked at";
            self.miss(folder, why.to_owned());
        }
        let mut names: Vec<String> = all.into_iter().flatten().collect();
        names.sort();
        names
    }

    /// Counts a look at what a file or a folder names, and notes where there have been too many.
    fn may_look(&mut self, path: &str) -> bool {
        let may = self.looks < MOST_LOOKS;
        self.looks += 1;
        if !may {
            let why = "was not looked at: there is too much before it";
            self.miss(path, why.to_owned());
        }
        may
    }

    /// Paths that a pattern fits, of which the last part alone may have `*` and `?`; sorted.
    pub(super) fn glob(&mut self, pattern: &str) -> Vec<String> {
        let Some((folder, last)) = pattern.rsplit_once('/') else {
            return Vec::new();
        };
        if !last.contains(['*', '?']) {
            return match self.may_look(pattern) && self.exists(pattern) {
                true => vec![pattern.to_owned()],
                false => Vec::new(),
            };
        }
        let names = self.list(if folder.is_empty() { "/" } else { folder });
        let names = names.into_iter();
        let fits = names.filter(|name| fits(last.as_bytes(), name.as_bytes()));
        fits.map(|name| format!("{folder}/{name}")).collect()
    }

    /// Files that one of several patterns fits, in the order of their names; of those of one name the first, which hides
    /// the others.
    pub(super) fn by_name(&mut self, patterns: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for pattern in patterns {
            for file in self.glob(&pattern) {
                let name = file.rsplit('/').next().unwrap_or_default().to_owned();
                found.entry(name).or_insert(file);
            }
        }
        found.into_values().collect()
    }

    /// Whether something is there, whatever it is, and whether or not it may be looked at.
    pub(super) fn exists(&self, path: &str) -> bool {
        match self.open(path, OFlags::PATH) {
            Ok(_) => true,
            Err(error) => !is_absent(error),
        }
    }

    /// Where a link leads, which is not followed; nothing where there is no link.
    pub(super) fn link(&self, path: &str) -> Option<String> {
        let link = self.open(path, OFlags::PATH | OFlags::NOFOLLOW).ok()?;
        let target = readlinkat(link.as_fd(), "", Vec::with_capacity(LONGEST_LINK)).ok()?;
        target.into_string().ok()
    }

    /// Notes what is there and could not be used.
    pub(super) fn miss(&mut self, path: &str, why: String) {
        if self.missed.contains_key(path) {
            return;
        }
        match self.missed.len() < MOST_MISSED {
            true => _ = self.missed.insert(path.to_owned(), why),
            false => self.missed_more = true,
        }
    }

    fn open(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.root, path, flags, Mode::empty(), resolve)
    }
}

/// Whether there is nothing at a path.
fn is_absent(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR)
}

/// Whether a name fits a pattern of `*` and `?` (as glob(7): a name that begins with a dot does not fit either).
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // Where to go on if the last star takes one byte more.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(of) if *of == b'?' || of == byte => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, n) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_inside() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "server 203.0.113.66\n").unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        fs::create_dir(at("etc")).unwrap();
        fs::write(at("etc/real"), "here").unwrap();
        symlink("/etc/real", at("absolute")).unwrap();
        symlink("../../../../../../etc/real", at("climbing")).unwrap();
        symlink(outside.path(), at("away")).unwrap();
        symlink("/proc/self/root/etc/passwd", at("magic")).unwrap();
        symlink("round", at("round")).unwrap();
        symlink("/nowhere", at("dangling")).unwrap();
        let mut files = Files::below(inside.path()).unwrap();
        assert_eq!(files.read("/absolute").as_deref(), Some(&b"here"[..]));
        assert_eq!(files.read("/climbing").as_deref(), Some(&b"here"[..]));
        assert_eq!(
            files.read("/etc/../../etc/real").as_deref(),
            Some(&b"here"[..])
        );
        for path in [
            "/away/secret",
            "/magic",
            "/dangling",
            "/nothing",
            "/etc",
            "/etc/real/x",
        ] {
            assert_eq!(files.read(path), None, "{path}");
        }
        assert_eq!(files.missed(), []);
        assert_eq!(files.read("/round"), None);
        assert_eq!(files.missed()[0].path, "/round");
        assert_eq!(files.link("/absolute").as_deref(), Some("/etc/real"));
        assert_eq!(files.link("/etc/real"), None);
    }

    #[test]
    fn devices_and_pipes_are_not_opened() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let pipe = at("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        fs::create_dir(at("dev")).unwrap();
        symlink("/dev/null", at("masked")).unwrap();
        let mut files = Files::below(root.path()).unwrap();
        // A pipe that nobody writes to would never end.
        assert_eq!(files.read("/pipe"), None);
        assert_eq!(
            files.missed()[0].why,
            "is no regular file, and was not opened"
        );
        assert_eq!((files.read("/masked"), files.missed().len()), (None, 1));
    }

    #[test]
    fn all_that_is_read_is_bounded() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("huge"), vec![b'x'; 3 << 20]).unwrap();
        fs::create_dir(at("many")).unwrap();
        for n in 0..MOST_ENTRIES + 3 {
            fs::write(at(&format!("many/{n:05}")), "").unwrap();
        }
        let mut files = Files::below(root.path()).unwrap();
        assert_eq!(files.read("/huge").unwrap().len(), 1 << 20);
        assert!(files.missed()[0].why.contains("the rest was not read"));
        assert_eq!(files.list("/many").len(), MOST_ENTRIES);
        assert_eq!(files.missed().len(), 2);
        for _ in 0..40 {
            files.read("/huge");
        }
        assert_eq!(files.left, 0);
        assert_eq!(files.read("/huge"), None);
    }

    #[test]
    fn what_names_a_folder_over_and_over_ends() {
        let root = tempfile::tempdir().unwrap();
        for n in 0..100 {
            fs::write(root.path().join(format!("{n}.conf")), "").unwrap();
        }
        let mut files = Files::below(root.path()).unwrap();
        let listed = (0..5_000).map(|_| files.glob("/*.conf").len());
        assert!((1..1_000).contains(&listed.filter(|of| *of > 0).count()));
        assert!(files.missed()[0].why.contains("too much before it"));
        assert_eq!(files.glob("/1.conf"), Vec::<String>::new());
    }

    #[test]
    fn what_is_missed_beyond_what_is_told_is_said() {
        let root = tempfile::tempdir().unwrap();
        let mut files = Files::below(root.path()).unwrap();
        for n in 0..=MOST_MISSED {
            files.miss(&format!("/{n}"), "why".to_owned());
        }
        let missed = files.missed();
        assert_eq!(missed.len(), MOST_MISSED + 1);
        assert!(missed[MOST_MISSED].why.contains("are not told"));
    }

    #[test]
    fn names_that_are_no_utf8_are_told() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.conf"), "").unwrap();
        let name = std::ffi::OsStr::from_bytes(b"\xff.conf");
        fs::write(root.path().join(name), "").unwrap();
        let mut files = Files::below(root.path()).unwrap();
        assert_eq!(files.list("/"), ["a.conf"]);
        assert!(files.missed()[0].why.contains("no UTF-8"));
    }

    #[test]
    fn patterns_of_the_last_part() {
        let root = tempfile::tempdir().unwrap();
        for name in ["a.conf", "b.conf", ".c.conf", "d.conf.bak"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        let mut files = Files::below(root.path()).unwrap();
        assert_eq!(files.glob("/*.conf"), ["/a.conf", "/b.conf"]);
        assert_eq!(
            files.glob("/?.conf*"),
            ["/a.conf", "/b.conf", "/d.conf.bak"]
        );
        assert_eq!(files.glob("/a.conf"), ["/a.conf"]);
        assert_eq!(files.glob("/z.conf"), Vec::<String>::new());
        // Takes no longer than it must.
        let long = "a".repeat(5_000);
        assert!(!fits("*a*a*a*a*b".as_bytes(), long.as_bytes()));
    }

    #[test]
    fn a_folder_that_is_none_is_refused() {
        for path in ["/nonexistent", "/etc/passwd"] {
            let refused = Files::below(Path::new(path)).unwrap_err();
            assert!(refused.to_string().starts_with(path), "{refused}");
        }
    }
}
