//! Tables of `kubectl get` and `kubectl events`.

use super::{Context, Found, Object, api_version, event, given, row};
use crate::kinds;

/// The cells of a line: what two spaces or a tab part.
pub(super) fn columns(line: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = rest
            .char_indices()
            .find(|(at, c)| *c == '\t' || (*c == ' ' && rest[at + 1..].starts_with([' ', '\t'])))
            .map_or(rest.len(), |(at, _)| at);
        cells.push(rest[..end].trim());
        rest = rest[end..].trim_start();
    }
    cells
}

/// Whether a line names columns: two at least, all in capitals.
pub(super) fn is_header(line: &str) -> bool {
    if line.starts_with(' ') || line.len() > 1_000 {
        return false;
    }
    let cells = columns(line);
    let capitals = |cell: &&str| {
        // `PORT(S)`, `CPU(cores)`
        let word = cell.split('(').next().unwrap_or(cell);
        let allowed =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" -/_%".contains(&byte);
        word.len() > 1 && word.bytes().any(|byte| byte.is_ascii_uppercase()) && word.bytes().all(allowed)
    };
    cells.len() >= 2
        && cells.iter().all(capitals)
        && (matches!(cells[0], "NAME" | "NAMESPACE")
            || cells.contains(&"REASON")
            || cells.contains(&"LAST SEEN"))
}

/// One row, by the names of the columns.
pub(super) struct Row<'t> {
    pub(super) cells: Vec<(&'t str, &'t str)>,
}

impl<'t> Row<'t> {
    /// The cell of a column, none for `<none>` and the like.
    pub(super) fn get(&self, column: &str) -> Option<&'t str> {
        self.cells.iter().find(|(name, _)| *name == column).and_then(|(_, cell)| given(cell))
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.cells.iter().any(|(name, _)| *name == column)
    }
}

/// Reads the rows below a header.
pub(super) fn read(header: &str, lines: &[&str], context: &Context, found: &mut Found) {
    let names = columns(header);
    if names.contains(&"REASON") && (names.contains(&"OBJECT") || names.contains(&"KIND")) {
        for line in lines {
            found.objects.extend(event_row(&cells(header, &names, line), context));
        }
        return;
    }
    let Some(kind) = kind_of(&names, context) else { return };
    if lines.iter().any(|line| line.starts_with(['├', '└', '│'])) {
        // A drawing of who owns whom, by another program than kubectl.
        return;
    }
    let mut complete = !context.command.narrowed;
    let mut count = 0;
    for line in lines {
        let row = cells(header, &names, line);
        let Some(name) = row.get("NAME") else { continue };
        // `kubectl get all` names each object with its kind.
        let (kind, name) = match name.split_once('/') {
            Some((prefix, name)) => match kinds::KindName::parse(prefix).builtin() {
                Some(builtin) => (builtin.kind, name),
                None => continue,
            },
            None => (kind, name),
        };
        if name.contains(' ') {
            complete = false;
            continue;
        }
        count += 1;
        found.objects.push(row::object(kind, name, &row, context));
    }
    if complete && count > 0 {
        let everywhere = names[0] == "NAMESPACE" || context.command.all_namespaces;
        let cluster = kinds::by_name(kind).is_some_and(|builtin| !builtin.namespaced);
        let namespace = if everywhere || cluster { None } else { context.command.namespace.clone() };
        // Without a namespace nobody knows what the table covers.
        if everywhere || cluster || namespace.is_some() {
            found.tables.push((kind, namespace));
        }
    }
}

/// The cells of a line under a header: parted by spaces where that fits the
/// header, by the header's offsets where cells are empty.
fn cells<'t>(header: &str, names: &[&'t str], line: &'t str) -> Row<'t> {
    let parted = columns(line);
    if parted.len() == names.len() {
        return Row { cells: names.iter().copied().zip(parted).collect() };
    }
    let mut starts = Vec::new();
    let mut from = 0;
    for name in names {
        let at = header[from..].find(name).map_or(from, |at| from + at);
        starts.push(at);
        from = at + name.len();
    }
    let offset = |at: usize| line.char_indices().nth(at).map_or(line.len(), |(at, _)| at);
    let cells = names.iter().enumerate().map(|(at, name)| {
        let start = offset(starts[at]);
        let end = starts.get(at + 1).map_or(line.len(), |end| offset(*end));
        (*name, line.get(start..end.max(start)).unwrap_or("").trim())
    });
    Row { cells: cells.collect() }
}

/// The kind that a table lists, by its columns.
fn kind_of(names: &[&str], context: &Context) -> Option<&'static str> {
    let has = |column: &str| names.contains(&column);
    let asked = context.command.builtin().map(|builtin| builtin.kind);
    if has("CPU(cores)") || has("CPU(CORES)") || (has("CPU") && has("MEMORY")) {
        return None;
    }
    let shown = if has("RESTARTS") {
        "Pod"
    } else if has("UP-TO-DATE") && has("AVAILABLE") && !has("DESIRED") {
        "Deployment"
    } else if has("COMPLETIONS") {
        "Job"
    } else if has("DESIRED") && has("CURRENT") {
        if has("UP-TO-DATE") || has("NODE SELECTOR") { "DaemonSet" } else { "ReplicaSet" }
    } else if has("STATUS") && has("ROLES") {
        "Node"
    } else if has("CLUSTER-IP") {
        "Service"
    } else if has("RECLAIM POLICY") {
        "PersistentVolume"
    } else if has("CAPACITY") && has("VOLUME") {
        "PersistentVolumeClaim"
    } else if has("MINPODS") {
        "HorizontalPodAutoscaler"
    } else if has("ALLOWED DISRUPTIONS") {
        "PodDisruptionBudget"
    } else if has("PROVISIONER") {
        "StorageClass"
    } else if has("SCHEDULE") {
        "CronJob"
    } else if has("HOSTS") && has("PORTS") {
        "Ingress"
    } else {
        // Too little is shown to know without having asked.
        return match asked {
            Some("StatefulSet") if has("READY") => Some("StatefulSet"),
            Some(kind) if !matches!(kind, "Pod" | "Event" | "Secret") && has("AGE") => Some(kind),
            _ if has("READY") && has("CONTAINERS") && !has("STATUS") => Some("StatefulSet"),
            _ => None,
        };
    };
    Some(shown)
}

fn event_row(row: &Row<'_>, context: &Context) -> Option<Object> {
    let object = row.get("OBJECT").or_else(|| row.get("NAME"))?;
    let (kind, name) = match object.split_once('/') {
        Some(parts) => parts,
        None => (row.get("KIND")?, object),
    };
    let builtin = kinds::by_name(kind);
    let kind = builtin.map_or(kind, |builtin| builtin.kind);
    let namespace = row.get("NAMESPACE").or(context.command.namespace.as_deref()).unwrap_or("default");
    event::object(
        &event::Told {
            api_version: &api_version(kind),
            kind,
            namespace,
            name,
            severity: row.get("TYPE").unwrap_or("Normal"),
            reason: row.get("REASON")?,
            age: row.get("LAST SEEN").or_else(|| row.get("LASTSEEN")).unwrap_or(""),
            count: row.get("COUNT").and_then(|count| count.parse().ok()),
            source: row.get("SOURCE").unwrap_or(""),
            message: row.get("MESSAGE").unwrap_or(""),
        },
        context,
    )
}

/// The columns of `kubectl get -o wide`.
fn wide(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Pod" => {
            &["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE", "READINESS GATES"]
        }
        "Deployment" => {
            &["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
        }
        "ReplicaSet" => &["NAME", "DESIRED", "CURRENT", "READY", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"],
        "StatefulSet" => &["NAME", "READY", "AGE", "CONTAINERS", "IMAGES"],
        "Job" => &["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"],
        "Node" => &[
            "NAME",
            "STATUS",
            "ROLES",
            "AGE",
            "VERSION",
            "INTERNAL-IP",
            "EXTERNAL-IP",
            "OS-IMAGE",
            "KERNEL-VERSION",
            "CONTAINER-RUNTIME",
        ],
        "Service" => &["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"],
        "PersistentVolumeClaim" => {
            &["NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", "STORAGECLASS", "AGE", "VOLUMEMODE"]
        }
        _ => return None,
    })
}

/// Rows whose header was cut off, for the kind that was asked for.
pub(super) fn read_headless(lines: &[&str], context: &Context, objects: &mut Vec<Object>) {
    let Some(kind) = context.command.builtin().map(|builtin| builtin.kind) else { return };
    let Some(wide) = wide(kind) else { return };
    for line in lines {
        let cells = columns(line);
        let shapes = [(false, false), (true, false), (false, true), (true, true)];
        let row = shapes.iter().find_map(|(namespace, labels)| {
            let mut names: Vec<&str> = Vec::new();
            if *namespace {
                names.push("NAMESPACE");
            }
            names.extend(wide);
            if *labels {
                names.push("LABELS");
            }
            // Without `-o wide` the table ends with the age.
            let age = names.iter().position(|name| *name == "AGE").unwrap_or(0);
            if cells.len() == age + 1 {
                names.truncate(age + 1);
            }
            if cells.len() != names.len() {
                return None;
            }
            let row = Row { cells: names.into_iter().zip(cells.iter().copied()).collect() };
            fits(&row).then_some(row)
        });
        if let Some(row) = row
            && let Some(name) = row.get("NAME")
            && !name.contains(['/', ' '])
        {
            objects.push(row::object(kind, name, &row, context));
        }
    }
}

/// Whether the cells look like what their columns hold.
fn fits(row: &Row<'_>) -> bool {
    row.cells.iter().all(|(name, cell)| match *name {
        "READY" | "COMPLETIONS" => {
            cell.split('/').count() <= 2 && cell.split('/').all(|part| part.parse::<u32>().is_ok())
        }
        "AGE" => super::age::seconds(cell).is_some(),
        "NAMESPACE" | "NAME" => !cell.contains(['/', ' ', ':']),
        _ => true,
    })
}
