// SPDX-License-Identifier: GPL-2.0

//! Kernel configuration files.

/// Lines of `fragment` that `config` does not fulfil: kconfig drops what a dependency forbids
/// without a word.
pub(super) fn unmet<'a>(fragment: &'a str, config: &str) -> Vec<&'a str> {
    let set: Vec<&str> = config.lines().filter(|line| line.starts_with("CONFIG_")).collect();
    fragment
        .lines()
        .filter(|line| match unset(line) {
            Some(name) => {
                set.iter().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
            }
            None => line.starts_with("CONFIG_") && !set.contains(line),
        })
        .collect()
}

/// The variable of a line `# CONFIG_X is not set`.
fn unset(line: &str) -> Option<&str> {
    line.strip_prefix("# ")?.strip_suffix(" is not set").filter(|name| name.starts_with("CONFIG_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str =
        "# Automatically generated\nCONFIG_A=y\nCONFIG_AB=m\nCONFIG_S=\"text\"\n# CONFIG_C is not set\n";

    #[test]
    fn fulfilled() {
        let fragment =
            "# A comment\n\nCONFIG_A=y\nCONFIG_S=\"text\"\n# CONFIG_C is not set\n# CONFIG_GONE is not set\n";
        assert!(unmet(fragment, CONFIG).is_empty());
    }

    #[test]
    fn dropped_changed_and_forced() {
        let fragment = "CONFIG_B=y\nCONFIG_AB=y\n# CONFIG_A is not set\n";
        assert_eq!(unmet(fragment, CONFIG), fragment.lines().collect::<Vec<_>>());
    }
}
