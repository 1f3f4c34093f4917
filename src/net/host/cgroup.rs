//! The control groups this process is in: [`folders`], and what they tell of a container.

use std::path::{Component, Path, PathBuf};

use super::linux::read_capped;

/// Groups above each other that are looked at: more than anybody nests.
const MOST: usize = 32;

/// Words in the path of a group that only a container engine puts there, and what it is called.
const ENGINES: [(&str, &str); 5] = [
    ("kubepods", "kubernetes"),
    ("docker", "docker"),
    ("libpod", "podman"),
    ("lxc", "lxc"),
    ("containerd", "containerd"),
];

/// The folders of this process's control groups of version 2, its own first; none where there are no
/// such groups, or they lie outside of what is seen from here.
pub(super) fn folders(root: &Path) -> Vec<PathBuf> {
    let Some(text) = read_capped(&root.join("proc/self/cgroup")) else {
        return Vec::new();
    };
    let Some(path) = unified(&text) else {
        return Vec::new();
    };
    let mount = root.join("sys/fs/cgroup");
    let levels = path.ancestors().take(MOST);
    levels.map(|level| mount.join(level)).collect()
}

/// The path of the one group of version 2 below the mount, in a text as /proc/PID/cgroup has it.
fn unified(text: &str) -> Option<PathBuf> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let path = Path::new(path);
    // A group outside of this namespace is told with `..`.
    let inside = path.components().all(|c| matches!(c, Component::Normal(_)));
    inside.then(|| path.to_owned())
}

/// The container engine that started the first process, by its control groups.
pub(super) fn container(text: &str) -> Option<String> {
    // `ID:CONTROLLERS:PATH`; an engine's own daemon has its name in a last part that ends in .service.
    let paths = || text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let says = |path: &str, word: &str| {
        let parts = path.split('/').filter(|part| !part.ends_with(".service"));
        parts.into_iter().any(|part| part.starts_with(word))
    };
    let engine = ENGINES
        .iter()
        .find(|(word, _)| paths().any(|path| says(path, word)));
    engine.map(|(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    #[test]
    fn groups_are_told_from_the_own_one_up() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let told = |text: &str| {
            fs::write(root.path().join("proc/self/cgroup"), text).unwrap();
            let below = root.path().join("sys/fs/cgroup");
            let relative = |of: PathBuf| of.strip_prefix(&below).unwrap().to_owned();
            folders(root.path()).into_iter().map(relative).collect()
        };
        let paths = |all: &[&str]| -> Vec<PathBuf> { all.iter().map(PathBuf::from).collect() };
        let all: Vec<PathBuf> = told("3:cpu:/a\n0::/user.slice/b.scope\n");
        assert_eq!(all, paths(&["user.slice/b.scope", "user.slice", ""]));
        assert_eq!(told("0::/\n"), paths(&[""]));
        assert_eq!(told(&format!("0::/{}\n", "a/".repeat(90))).len(), MOST);
        for bad in [
            "",
            "0::",
            "0::/../b\n",
            "0::/a/../../../etc\n",
            "1:name=systemd:/\n",
        ] {
            assert_eq!(told(bad), paths(&[]), "{bad:?}");
        }
    }

    #[test]
    fn engines_are_told_by_the_first_process() {
        for (text, expected) in [
            ("0::/init.scope\n", None),
            ("0::/system.slice/docker.service\n", None),
            ("0::/\n", None),
            ("4:memory:/docker/3f2a\n0::/\n", Some("docker")),
            ("0::/system.slice/docker-3f2a.scope\n", Some("docker")),
            (
                "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-3f.scope\n",
                Some("kubernetes"),
            ),
            ("0::/lxc.payload.web/init.scope\n", Some("lxc")),
            ("nonsense", None),
        ] {
            assert_eq!(container(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_panics(text in "(0:|:|/|\\.|[a-z]|\n|\\PC){0,60}") {
            unified(&text);
            container(&text);
        }
    }
}
