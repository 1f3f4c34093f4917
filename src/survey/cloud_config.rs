//! [`servers`]: time servers that data for cloud-init names: the `ntp` part of a cloud-config (cloud-init's module
//! `cc_ntp`).
//!
//! A cloud-config is YAML. Of that a small part is read here, line by line: the block `ntp:` at the beginning of a line
//! with `servers`, `pools` and `enabled` below it, and lists as `- name` or `[name, name]`; and JSON, which is YAML as
//! well. What is written otherwise (anchors, mappings in braces, texts over several lines) is told, and not guessed at.

use serde_json::Value;

use super::lines::lines;
use super::offered::dhcp::is_server;

/// Servers that are told; nobody has more.
const MOST: usize = 256;

/// What a text for cloud-init says of time servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudConfig {
    /// Those that it names.
    pub servers: Vec<Named>,
    /// What of it could not be read.
    pub unread: Option<&'static str>,
}

/// A server that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The line, from 1; absent where the text has none.
    pub line: Option<u32>,
    /// A name or an address.
    pub server: String,
}

const OTHER_FORM: &str = "its ntp part is of a form that is not read here";

/// Reads a text for cloud-init: a cloud-config, or something else, which names no servers that could be told.
///
/// ```
/// use clockfit::survey::cloud_config;
/// let found = cloud_config(b"#cloud-config\nntp:\n  servers: [ntp1.example]\n");
/// assert_eq!(found.servers[0].server, "ntp1.example");
/// assert_eq!(found.servers[0].line, Some(3));
/// ```
pub fn cloud_config(text: &[u8]) -> CloudConfig {
    let is_packed = text.starts_with(&[0x1f, 0x8b]);
    let head = text.get(..text.len().min(HEAD)).unwrap_or(text);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    // Templates are filled in by the host.
    let head = head.trim_start();
    let is_template = head.starts_with("## template:");
    let unread = match () {
        () if is_packed => Some("it is packed"),
        () if head.starts_with("content-type:") || head.starts_with("mime-version:") => {
            Some("it has several parts, which are not read here")
        }
        () if head.starts_with("#include") => Some("it names others, which are not fetched"),
        () if head.starts_with("#cloud-config-archive") => {
            Some("it is an archive, which is not read here")
        }
        () => None,
    };
    let is_config = head.starts_with("#cloud-config") || is_template;
    if unread.is_some() || !is_config {
        return CloudConfig {
            unread,
            ..CloudConfig::default()
        };
    }
    let body: Vec<u8> = {
        let all = text.split(|byte| *byte == b'\n');
        let rest = all.skip_while(|line| line.trim_ascii().is_empty() || line.starts_with(b"#"));
        rest.collect::<Vec<_>>().join(&b'\n')
    };
    match body.trim_ascii_start().starts_with(b"{") {
        true => of_json_text(&body),
        false => of_lines(text),
    }
}

/// Bytes in which a text says what it is.
const HEAD: usize = 256;

fn of_json_text(body: &[u8]) -> CloudConfig {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => of_value(&value),
        Err(_) => CloudConfig {
            unread: Some("it is no JSON"),
            ..CloudConfig::default()
        },
    }
}

/// Of a cloud-config that is JSON.
fn of_value(value: &Value) -> CloudConfig {
    let mut found = CloudConfig::default();
    let Some(ntp) = value.get("ntp") else {
        return found;
    };
    if ntp.get("enabled") == Some(&Value::Bool(false)) {
        return found;
    }
    for key in ["servers", "pools"] {
        match ntp.get(key) {
            Some(Value::Array(names)) => {
                for name in names {
                    match name.as_str() {
                        Some(name) => found.add(None, name),
                        None => found.unread = Some(OTHER_FORM),
                    }
                }
            }
            None | Some(Value::Null) => {}
            Some(_) => found.unread = Some(OTHER_FORM),
        }
    }
    found
}

/// Vendor data as OpenStack tells it: a text for cloud-init, or an object that has one, or several, under `cloud-init`.
///
/// # Errors
///
/// It is no JSON.
pub(super) fn of_vendor_data(bytes: &[u8]) -> Result<CloudConfig, &'static str> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| "it is no JSON")?;
    let data = match &value {
        Value::Object(map) => map.get("cloud-init").unwrap_or(&Value::Null),
        other => other,
    };
    let parts = match data {
        Value::Array(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found = CloudConfig::default();
    for part in parts.iter().filter_map(Value::as_str) {
        let part = cloud_config(part.as_bytes());
        found.unread = found.unread.or(part.unread);
        for named in part.servers {
            // Lines of a text within a text are nobody's.
            found.add(None, &named.server);
        }
    }
    Ok(found)
}

impl CloudConfig {
    fn add(&mut self, line: Option<u32>, server: &str) {
        if !is_server(server) {
            self.unread = Some(OTHER_FORM);
        } else if self.servers.len() < MOST && self.servers.iter().all(|of| of.server != server) {
            self.servers.push(Named {
                line,
                server: server.to_owned(),
            });
        }
    }
}

/// Where in the block the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before or after it.
    Outside,
    /// Below `ntp:`, before its first key.
    Inside,
    /// At a key that names servers, or another one, indented so far.
    Below { indent: usize, is_list: bool },
}

/// Of a cloud-config that is a YAML of lines.
fn of_lines(text: &[u8]) -> CloudConfig {
    let mut found = CloudConfig::default();
    let mut place = Place::Outside;
    let mut is_enabled = true;
    for (number, raw) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let Some(line) = lines(raw).next() else {
            continue;
        };
        let line = without_comment(&line.text);
        let indent = raw.iter().take_while(|byte| **byte == b' ').count();
        if line.is_empty() {
            continue;
        }
        if raw.get(indent) == Some(&b'\t') && place != Place::Outside {
            found.unread = Some(OTHER_FORM);
            continue;
        }
        if indent == 0 && !line.starts_with("- ") {
            place = Place::Outside;
            if let Some(rest) = value_of(line, "ntp") {
                match rest {
                    "" => place = Place::Inside,
                    // Nothing is set, and the distribution's servers are taken.
                    "{}" | "~" | "null" => {}
                    _ => found.unread = Some(OTHER_FORM),
                }
            }
            continue;
        }
        let key_indent = match place {
            Place::Outside => continue,
            Place::Inside => indent,
            Place::Below { indent, .. } => indent,
        };
        match place {
            Place::Below { is_list, .. } if indent > key_indent || line.starts_with('-') => {
                if is_list {
                    match line.strip_prefix("- ").map(unquoted) {
                        Some(Some(name)) => found.add(Some(number), name),
                        _ => found.unread = Some(OTHER_FORM),
                    }
                }
            }
            _ if indent == key_indent => {
                let mut is_list = false;
                if let Some(value) = value_of(line, "servers").or(value_of(line, "pools")) {
                    is_list = value.is_empty();
                    if !is_list && !found.add_flow(number, value) {
                        found.unread = Some(OTHER_FORM);
                    }
                } else if let Some(value) = value_of(line, "enabled") {
                    let off = ["false", "no", "off"];
                    is_enabled = !off.contains(&value.to_ascii_lowercase().as_str());
                } else if line.starts_with(['<', '*', '&', '?', '{']) {
                    found.unread = Some(OTHER_FORM);
                }
                place = Place::Below { indent, is_list };
            }
            _ => found.unread = Some(OTHER_FORM),
        }
    }
    if !is_enabled {
        found.servers.clear();
    }
    found
}

impl CloudConfig {
    /// Adds a list in brackets; tells whether it is one.
    fn add_flow(&mut self, line: u32, value: &str) -> bool {
        let inner = value.strip_prefix('[').and_then(|of| of.strip_suffix(']'));
        let Some(inner) = inner else {
            return matches!(value, "~" | "null");
        };
        for name in inner.split(',').map(str::trim).filter(|of| !of.is_empty()) {
            match unquoted(name) {
                Some(name) => self.add(Some(line), name),
                None => return false,
            }
        }
        true
    }
}

/// What follows a key, if that is the line's.
fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let quoted = |quote: char| {
        line.strip_prefix(quote)?
            .strip_prefix(key)?
            .strip_prefix(quote)
    };
    let rest = line
        .strip_prefix(key)
        .or_else(|| quoted('"'))
        .or_else(|| quoted('\''))?;
    let value = rest.trim_start().strip_prefix(':')?;
    (value.is_empty() || value.starts_with([' ', '\t'])).then(|| value.trim())
}

/// A name without quotes around it; nothing where they do not match.
fn unquoted(text: &str) -> Option<&str> {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    Some(text)
}

/// A line without what follows ` #`, and without white space around it.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') {
        return "";
    }
    let comment = line.find(" #").or_else(|| line.find("\t#"));
    line.get(..comment.unwrap_or(line.len()))
        .unwrap_or(line)
        .trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> (Vec<String>, bool) {
        let found = cloud_config(text.as_bytes());
        let servers = found.servers.iter().map(|of| match of.line {
            Some(line) => format!("{line} {}", of.server),
            None => of.server.clone(),
        });
        (servers.collect(), found.unread.is_some())
    }

    #[test]
    fn lists_of_both_forms() {
        let text = "#cloud-config\n\
                    # of the provider\n\
                    packages: [ntp]\n\
                    ntp:\n\
                    \x20 enabled: true\n\
                    \x20 ntp_client: chrony\n\
                    \x20 config:\n\
                    \x20   confpath: /etc/x\n\
                    \x20   servers:\n\
                    \x20     - never.example\n\
                    \x20 servers:\n\
                    \x20   - ntp1.example   # the first\n\
                    \x20   - \"2001:db8::1\"\n\
                    \n\
                    \x20 pools: [ '0.pool.example', 192.0.2.1 ]\n\
                    runcmd:\n\
                    \x20 - servers\n\
                    other:\n\
                    \x20 servers:\n\
                    \x20   - other.example\n";
        let servers = [
            "12 ntp1.example",
            "13 2001:db8::1",
            "15 0.pool.example",
            "15 192.0.2.1",
        ];
        assert_eq!(said(text), (servers.map(str::to_owned).to_vec(), false));
        // Lists as far to the left as their key, and all of it as a part of a template.
        let text = "## template: jinja\n#cloud-config\n\"ntp\":\r\n  servers:\r\n  - a.example\r\n  pools:\r\n  - b.example\r\n";
        assert_eq!(said(text).0, ["5 a.example", "7 b.example"]);
        assert_eq!(
            said("#cloud-config\n{\"ntp\": {\"servers\": [\"a.example\"], \"pools\": null}}").0,
            ["a.example"]
        );
    }

    #[test]
    fn what_names_none() {
        for text in [
            "",
            "#!/bin/sh\nntp:\n  servers: [a.example]\n",
            "#cloud-config\nntp: {}\n",
            "#cloud-config\nntp:\n  enabled: false\n  servers: [a.example]\n",
            "#cloud-config\nntp:\n  servers: [a.example]\n  enabled: no\n",
            "#cloud-config\nx:\n  ntp:\n    servers: [a.example]\n",
            "#cloud-config\n# ntp:\n#   servers: [a.example]\n",
            "#cloud-config\n{\"ntp\": {\"enabled\": false, \"servers\": [\"a.example\"]}}",
        ] {
            assert_eq!(said(text), (Vec::new(), false), "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_told() {
        for text in [
            "#cloud-config\nntp: {servers: [a.example]}\n",
            "#cloud-config\nntp: *anchor\n",
            "#cloud-config\nntp:\n  <<: *anchor\n",
            "#cloud-config\nntp:\n  servers: *anchor\n",
            "#cloud-config\nntp:\n  servers: [a.example,\n    b.example]\n",
            "#cloud-config\nntp:\n  servers:\n    - {{ v1.region }}.example\n",
            "#cloud-config\nntp:\n  servers:\n    - \"a.example\n",
            "#cloud-config\nntp:\n\tservers:\n\t- a.example\n",
            "#cloud-config\n{\"ntp\": {\"servers\": \"a.example\"}}",
            "#cloud-config\n{\"ntp\":",
            "Content-Type: multipart/mixed; boundary=x\n",
            "#include\nhttp://192.0.2.1/\n",
            "#cloud-config-archive\n- x\n",
            "\u{1f}\u{8b}",
        ] {
            let found = cloud_config(text.as_bytes());
            let is_packed = text.starts_with('\u{1f}');
            assert!(found.unread.is_some() || is_packed, "{text}");
            assert!(found.servers.is_empty(), "{text}");
        }
        assert!(cloud_config(&[0x1f, 0x8b, 8]).unread.is_some());
    }

    #[test]
    fn vendor_data_of_its_forms() {
        let servers = |text: &str| {
            let found = of_vendor_data(text.as_bytes())?;
            let servers = found.servers.into_iter().map(|of| (of.line, of.server));
            Ok::<_, &str>(servers.collect::<Vec<_>>())
        };
        let one = vec![(None, "a.example".to_owned())];
        let config = "#cloud-config\\nntp:\\n  servers:\\n    - a.example\\n";
        assert_eq!(servers(&format!("\"{config}\"")), Ok(one.clone()));
        assert_eq!(
            servers(&format!("{{\"cloud-init\": \"{config}\"}}")),
            Ok(one.clone())
        );
        let several = format!("{{\"cloud-init\": [\"#!/bin/sh\", \"{config}\"], \"x\": 1}}");
        assert_eq!(servers(&several), Ok(one));
        assert_eq!(servers("{}"), Ok(Vec::new()));
        assert_eq!(servers("{\"cloud-init\": {\"a\": 1}}"), Ok(Vec::new()));
        assert_eq!(servers("<html>"), Err("it is no JSON"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(lines in proptest::collection::vec(
            "( {0,6}(- |ntp:|servers:|pools: |enabled: |\\[|\\]|\"|'|#|a\\.example|\t|\\{|:){0,4})", 0..12,
        )) {
            let text = format!("#cloud-config\nntp:\n{}", lines.join("\n"));
            let found = cloud_config(text.as_bytes());
            for named in found.servers {
                prop_assert!(is_server(&named.server));
                let line = usize::try_from(named.line.unwrap()).unwrap();
                prop_assert!(text.lines().nth(line - 1).unwrap().contains(&named.server));
            }
        }
    }
}
