// SPDX-License-Identifier: GPL-2.0

//! apt's source lists: one-line style (`*.list`) and deb822 style (`*.sources`); sources.list(5).

/// Binary packages of some suites at some addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Source {
    pub(super) uris: Vec<String>,
    pub(super) suites: Vec<String>,
    pub(super) components: Vec<String>,
    /// Path of a keyring; none when apt's default keys are meant or keys are given inline.
    pub(super) signed_by: Option<String>,
}

/// Reads a `.list` file. Lines that are not understood are skipped, as the machine's apt complains of them itself.
pub(super) fn parse_list(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_list_line).collect()
}

fn parse_list_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t', '[']) {
        return None;
    }
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        signed_by: options
            .split_whitespace()
            .find_map(|option| option.strip_prefix("signed-by="))
            .and_then(keyring_path),
    })
}

/// Reads a `.sources` file.
pub(super) fn parse_deb822(text: &str) -> Vec<Source> {
    // Comment lines may stand anywhere, even within a field, and do not end a stanza.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).filter_map(parse_stanza).collect()
}

fn parse_stanza(lines: &[&str]) -> Option<Source> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut()?;
            value.push('\n');
            value.push_str(line.trim());
        } else {
            let (name, value) = line.split_once(':')?;
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let words = |name: &str| -> Vec<String> {
        field(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let disabled = field("enabled").is_some_and(|value| ["no", "false", "off", "0"].contains(&value));
    if disabled || !words("types").iter().any(|kind| kind == "deb") {
        return None;
    }
    Some(Source {
        uris: words("uris"),
        suites: words("suites"),
        components: words("components"),
        signed_by: field("signed-by").and_then(keyring_path),
    })
}

/// `Signed-By` may also hold fingerprints or a whole key, which only apt can use.
fn keyring_path(value: &str) -> Option<String> {
    value.split([',', ' ', '\n']).find(|word| word.starts_with('/')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_style() {
        let sources = parse_list(
            "# comment\n\
             deb http://mirror/debian trixie main contrib # why\n\
             deb-src http://mirror/debian trixie main\n\
             deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://other/x sid main\n\
             deb\n\
             debug http://no such main\n",
        );
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].uris, ["http://mirror/debian"]);
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert_eq!(sources[0].signed_by, None);
        assert_eq!(sources[1].suites, ["sid"]);
        assert_eq!(sources[1].signed_by.as_deref(), Some("/usr/share/keyrings/k.gpg"));
    }

    #[test]
    fn deb822_style() {
        let sources = parse_deb822(
            "Types: deb deb-src\n\
             # a comment within\n\
             URIs: http://mirror/debian\n\
             Suites: trixie\n trixie-updates\n\
             Components: main\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\
             \n\
             Types: deb\n\
             URIs: http://off/debian\nSuites: trixie\nComponents: main\nEnabled: no\n\
             \n\n\
             Types: deb-src\nURIs: http://src/debian\nSuites: trixie\nComponents: main\n\
             \n\
             types: deb\nuris: http://inline/x\nsuites: ./\nSigned-By:\n -----BEGIN PGP\n .\n mQIN\n",
        );
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].suites, ["trixie", "trixie-updates"]);
        assert!(sources[0].signed_by.is_some());
        assert_eq!(sources[1].uris, ["http://inline/x"]);
        assert_eq!(sources[1].signed_by, None);
    }

    #[test]
    fn nonsense_is_skipped() {
        assert!(parse_deb822(" continuation of nothing\n\nno colon here\n").is_empty());
        assert!(parse_list("deb [unclosed http://x trixie main\ndeb http://x\n").is_empty());
    }
}
