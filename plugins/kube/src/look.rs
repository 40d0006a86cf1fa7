//! The way to read: pages put together, the clock of the cluster, and what its
//! coverage allows to be said.

use serde_json::{Value, json};
use sickbay_plugin::{
    text::line,
    tool::{Error, ErrorKind, ObjectRef},
};

use crate::{
    cluster::{Cluster, ClusterInfo, Coverage, ListQuery, Page, Source},
    json,
    kinds::Kind,
    output::Stop,
    time::Clock,
};

/// Objects that are asked for at once.
const PAGE: u32 = 1_000;
/// Pages of one list at most: ten thousand objects are counted, more are "at least".
const MOST_PAGES: usize = 10;

/// Bytes of objects that are kept at once: as values they take ten times the room.
const MOST_KEPT: usize = 3 << 20;

/// One object of a list.
pub(crate) struct Row {
    /// Which of the list's observations it stands in.
    pub page: usize,
    pub value: Value,
}

impl Row {
    pub(crate) fn name(&self) -> &str {
        json::text(&self.value, "/metadata/name").unwrap_or("<none>")
    }

    pub(crate) fn namespace(&self) -> &str {
        json::text(&self.value, "/metadata/namespace").unwrap_or("")
    }
}

/// A list, from as many pages as it took.
pub(crate) struct Listed {
    pub rows: Vec<Row>,
    pub observations: Vec<String>,
    pub coverage: Coverage,
    /// Whether there are more than were read.
    pub more: bool,
}

impl Listed {
    /// A list that came in one page.
    pub(crate) fn of_page(page: Page) -> Self {
        let rows = page
            .objects
            .iter()
            .map(|text| Row { page: 0, value: serde_json::from_str(text).unwrap_or(Value::Null) })
            .collect();
        Self {
            rows,
            observations: vec![page.observation],
            coverage: page.coverage,
            more: page.continue_.is_some(),
        }
    }

    /// `o3`, or `o3, o4` where it took two pages.
    pub(crate) fn observation(&self) -> String {
        self.observations.join(", ")
    }

    pub(crate) fn observation_of(&self, row: &Row) -> &str {
        self.observations.get(row.page).map_or("", String::as_str)
    }
}

/// One object.
pub(crate) struct Seen {
    pub observation: String,
    pub value: Value,
}

pub(crate) struct Look<'a> {
    cluster: &'a dyn Cluster,
    pub info: ClusterInfo,
    pub clock: Clock,
}

impl<'a> Look<'a> {
    pub(crate) fn at(cluster: &'a dyn Cluster) -> Result<Self, Error> {
        let info = cluster.info()?;
        let clock = Clock::at(&info.observed_at);
        Ok(Self { cluster, info, clock })
    }

    pub(crate) fn cluster(&self) -> &'a dyn Cluster {
        self.cluster
    }

    /// The namespaces of an argument `namespace`: several with commas, none for all. Refuses what the run may not read.
    pub(crate) fn namespaces(&self, given: Option<&str>) -> Result<Vec<String>, Stop> {
        let mut named: Vec<String> = Vec::new();
        for part in given.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if !is_segment(part) || part.len() > 63 {
                return Err(Error::invalid_input(format!(
                    "`{}` can not be the name of a namespace",
                    line(part, 80)
                ))
                .into());
            }
            if !self.info.namespaces.is_empty() && !self.info.namespaces.iter().any(|known| known == part) {
                return Err(Stop::Told(format!(
                    "this run may not read namespace `{}`; it may read `{}`",
                    line(part, 80),
                    self.info.namespaces.join("`, `")
                )));
            }
            if !named.iter().any(|known| known == part) {
                named.push(part.to_owned());
            }
        }
        Ok(named)
    }

    /// Every object that matches, in the order of namespace and name. What is kept of them is bounded.
    pub(crate) fn list(&self, query: ListQuery) -> Result<Listed, Error> {
        let mut rows = Vec::new();
        let mut kept = 0_usize;
        let mut listed = self.walk(query, |page, text| {
            kept = kept.saturating_add(text.len());
            let fits = kept <= MOST_KEPT;
            if fits {
                rows.push(Row { page, value: serde_json::from_str(text).unwrap_or(Value::Null) });
            }
            fits
        })?;
        rows.sort_by(|one: &Row, other| {
            (one.namespace(), one.name()).cmp(&(other.namespace(), other.name()))
        });
        listed.rows = rows;
        Ok(listed)
    }

    /// Hands every object that matches to `take`, with the number of its page, until it says that it takes no more.
    /// The answer has no rows.
    pub(crate) fn walk(
        &self,
        mut query: ListQuery,
        mut take: impl FnMut(usize, &str) -> bool,
    ) -> Result<Listed, Error> {
        query.limit = PAGE;
        let mut listed =
            Listed { rows: Vec::new(), observations: Vec::new(), coverage: Coverage::Complete, more: false };
        loop {
            let page = self.cluster.list(&query)?;
            listed.coverage = worse(listed.coverage, page.coverage);
            let number = listed.observations.len();
            listed.observations.push(page.observation);
            if !page.objects.iter().all(|text| take(number, text)) {
                listed.more = true;
                break;
            }
            listed.more = page.continue_.is_some();
            if page.continue_.is_none() || listed.observations.len() >= MOST_PAGES {
                break;
            }
            query.continue_ = page.continue_;
        }
        Ok(listed)
    }

    /// The object, where it is there.
    pub(crate) fn find(&self, object: &ObjectRef) -> Result<Option<Seen>, Error> {
        match self.cluster.get(object) {
            Ok(observed) => Ok(Some(Seen {
                observation: observed.observation,
                value: serde_json::from_str(&observed.object).unwrap_or(Value::Null),
            })),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// ` in shop`, ` in the namespaces that this run may read`, or nothing where the whole cluster is meant.
    pub(crate) fn place(&self, namespaces: &[String]) -> String {
        match (namespaces.is_empty(), self.info.namespaces.is_empty()) {
            (false, _) => format!(" in {}", namespaces.join(", ")),
            (true, false) => " in the namespaces that this run may read".to_owned(),
            (true, true) => String::new(),
        }
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.info.source == Source::Recorded
    }

    /// What has to be said beside a list whose coverage is not complete; none where it is.
    pub(crate) fn caution(&self, kind: &str, coverage: Coverage) -> Option<String> {
        let (some, none) = if self.is_recorded() {
            ("was recorded in part only", "was recorded")
        } else {
            ("could be read in part only", "could be read")
        };
        match coverage {
            Coverage::Complete => None,
            Coverage::Partial => {
                Some(format!("note: {kind} {some}: what is not here may exist all the same"))
            }
            Coverage::Unknown => {
                Some(format!("note: nothing of kind {kind} {none}: this does not say whether there are any"))
            }
        }
    }
}

/// A query for a kind, whole objects where no fields are named.
pub(crate) fn query(kind: &Kind, namespaces: &[String], fields: &[&str]) -> ListQuery {
    ListQuery {
        kind: kind.full(),
        namespaces: if kind.namespaced { namespaces.to_vec() } else { Vec::new() },
        label_selector: None,
        field_selector: None,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        limit: 0,
        continue_: None,
    }
}

fn worse(one: Coverage, other: Coverage) -> Coverage {
    match (one, other) {
        (Coverage::Unknown, _) | (_, Coverage::Unknown) => Coverage::Unknown,
        (Coverage::Partial, _) | (_, Coverage::Partial) => Coverage::Partial,
        _ => Coverage::Complete,
    }
}

pub(crate) fn coverage_word(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Complete => "complete",
        Coverage::Partial => "partial",
        Coverage::Unknown => "unknown",
    }
}

/// Whether a text can be a name of an object: one step of a path.
pub(crate) fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text != "."
        && text != ".."
        && !text.contains(['/', '%', '?', '#'])
        && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
}

/// `Pod shop/api`, or `Node worker-1`, with names of strangers made fit for a sentence.
pub(crate) fn name(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{} {}/{}", line(kind, 80), line(namespace, 80), line(name, 253)),
        None => format!("{} {}", line(kind, 80), line(name, 253)),
    }
}

/// The reference of an object, for programs.
pub(crate) fn reference(object: &ObjectRef) -> Value {
    json!({
        "apiVersion": object.api_version, "kind": object.kind,
        "namespace": object.namespace, "name": object.name,
    })
}
