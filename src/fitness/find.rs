//! Which entries a name on the command line means.

use super::catalogue::Catalogue;
use super::entry::{Grade, Service};

/// A name that no entry has, nor a prefix of one up to a dash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} {name:?}{}", hint(.near))]
pub struct UnknownName {
    /// `service` or `grade`.
    pub what: &'static str,
    /// As it was given.
    pub name: String,
    /// The nearest names that there are, the best first.
    pub near: Vec<String>,
}

fn hint(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!("; {one} is near"),
        [first @ .., last] => format!("; {} and {last} are near", first.join(", ")),
    }
}

impl Catalogue {
    /// The services that a name means: the one that is called so, else all whose names begin with it up to
    /// a dash.
    ///
    /// ```
    /// use clockfit::fitness::Catalogue;
    /// let catalogue = Catalogue::builtin();
    /// assert_eq!(catalogue.services_named("ceph-mon")?.len(), 1);
    /// assert!(catalogue.services_named("ceph")?.len() > 2);
    /// assert!(catalogue.services_named("cehp").unwrap_err().to_string().contains("ceph"));
    /// # Ok::<(), clockfit::fitness::UnknownName>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No service is meant; the nearest names are said.
    pub fn services_named(&self, name: &str) -> Result<Vec<&Service>, UnknownName> {
        if let Some(found) = self.service(name) {
            return Ok(vec![found]);
        }
        let of_group = |service: &&Service| prefixes(&service.id).any(|prefix| prefix == name);
        let group: Vec<&Service> = self.services().iter().filter(of_group).collect();
        if !group.is_empty() {
            return Ok(group);
        }
        let ids = || self.services().iter().map(|service| service.id.as_str());
        let names = ids().flat_map(prefixes).chain(ids());
        Err(UnknownName {
            what: "service",
            name: name.to_owned(),
            near: owned(nearest(name, names)),
        })
    }

    /// The service that is called so.
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services().iter().find(|service| service.id == id)
    }

    /// The grade that is called so.
    ///
    /// # Errors
    ///
    /// There is none; the nearest names are said.
    pub fn grade(&self, id: &str) -> Result<&Grade, UnknownName> {
        let found = self.grades().iter().find(|grade| grade.id == id);
        found.ok_or_else(|| UnknownName {
            what: "grade",
            name: id.to_owned(),
            near: owned(nearest(id, self.grades().iter().map(|g| g.id.as_str()))),
        })
    }

    /// The services that all of these words occur in, whatever their case: in names, kinds, texts or settings.
    pub fn search(&self, words: &[String]) -> Vec<&Service> {
        let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let has_all = |service: &&Service| {
            let text = [
                &service.id,
                &service.name,
                service.kind.word(),
                service.scope.word(),
                service.severity.word(),
                &service.consequence,
                &service.config_key,
                &service.note,
            ]
            .join("\n")
            .to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        };
        self.services().iter().filter(has_all).collect()
    }
}

/// What comes before each dash of a name.
fn prefixes(id: &str) -> impl Iterator<Item = &str> {
    id.match_indices('-')
        .filter_map(|(place, _)| id.get(..place))
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// How alike two names must be to be taken for slips of each other; of 1, which is the same.
const ALIKE: f64 = 0.8;
/// More help nobody.
const MOST_NEAR: usize = 3;

/// Those of some names that are most like one, the best first.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // What compares is quadratic, and nobody meant a name of that length.
    if name.len() > 100 {
        return Vec::new();
    }
    let mut near: Vec<(f64, &str)> = names
        .map(|of| (strsim::jaro_winkler(name, of), of))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    near.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.cmp(y)));
    near.dedup();
    near.into_iter().take(MOST_NEAR).map(|(_, of)| of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_its_entry_and_else_a_group() {
        let catalogue = Catalogue::builtin();
        let ids = |name: &str| -> Vec<String> {
            let found = catalogue.services_named(name).unwrap();
            found.iter().map(|service| service.id.clone()).collect()
        };
        assert_eq!(ids("ceph-mon"), ["ceph-mon"]);
        assert!(ids("ceph").contains(&"ceph-mon-lease".to_owned()));
        assert!(ids("ceph").iter().all(|id| id.starts_with("ceph-")));
        assert_eq!(ids("zookeeper"), ["zookeeper"]);
        // Half a word is no prefix.
        for bad in ["cep", "ceph-", "ceph-mo", "", "CEPH"] {
            assert!(catalogue.services_named(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_told_what_was_meant() {
        let catalogue = Catalogue::builtin();
        let error = catalogue.services_named("zookeper").unwrap_err();
        assert_eq!(error.near.first().map(String::as_str), Some("zookeeper"));
        assert!(
            error
                .to_string()
                .starts_with("there is no service \"zookeper\"; zookeeper ")
        );
        let error = catalogue.grade("standart").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no grade \"standart\"; standard is near"
        );
        assert_eq!(
            catalogue.grade("qqq").unwrap_err().near,
            Vec::<String>::new()
        );
        assert!(nearest(&"a".repeat(100_000), ["a"].into_iter()).is_empty());
    }

    #[test]
    fn a_search_needs_all_words_and_no_case() {
        let catalogue = Catalogue::builtin();
        let found = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            catalogue.search(&words).len()
        };
        assert!(found(&["PAXOS"]) >= 1);
        assert!(found(&["jwt"]) > found(&["jwt", "vault"]));
        assert_eq!(found(&["jwt", "nothing-has-this"]), 0);
        assert_eq!(found(&[]), catalogue.services().len());
    }
}
