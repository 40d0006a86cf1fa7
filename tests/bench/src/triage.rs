//! The program as a person starts it: from the process's start to the first
//! plugin call, and triage of generated clusters with time and peak memory.
//! Each run is a process of its own.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sickbay_core::event::Event;
use sickbay_runtime::{ClusterChoice, Folders, RunRequest, Sickbay, profiles};

use crate::{generate, measure::Figure};

/// What one triage in a process of its own said of itself.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct OneTriage {
    pub wall_ms: f64,
    pub peak_mb: f64,
    pub findings: usize,
    pub journal_mb: f64,
}

/// Triage of one recording in this process. Printed for the parent.
pub(crate) async fn one(recording: PathBuf, home: PathBuf) -> Result<OneTriage, String> {
    let started = Instant::now();
    let sickbay = sickbay(&home)?;
    let profile =
        profiles::load(sickbay.folders(), "triage", &[]).map_err(|error| error.to_string())?.profile;
    let request = RunRequest::new(profile, ClusterChoice::Recorded(vec![recording]));
    let report = sickbay.run(request).await.map_err(|error| error.to_string())?.report;
    let journal = journal_bytes(&home);
    Ok(OneTriage {
        wall_ms: started.elapsed().as_secs_f64() * 1e3,
        peak_mb: peak_mb(),
        findings: report.problems().count(),
        journal_mb: journal / 1e6,
    })
}

fn sickbay(home: &Path) -> Result<Sickbay, String> {
    let folders = Folders::resolve(Some(home)).map_err(|error| error.to_string())?;
    Ok(Sickbay::with_embedded(folders, sickbay_embedded::components()))
}

#[expect(clippy::cast_precision_loss, reason = "a size for a table")]
fn journal_bytes(home: &Path) -> f64 {
    let size = |name: &str| home.join("data").join(name).metadata().map_or(0, |metadata| metadata.len());
    (size("journal.db") + size("journal.db-wal")) as f64
}

/// The most memory that this process had, as Linux counts it; 0 elsewhere.
#[expect(clippy::disallowed_methods, reason = "the kernel's own figure")]
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes what it reads and starts itself")]
pub(crate) fn sizes(folder: &Path, sizes: &[usize]) -> Result<Vec<Figure>, String> {
    let home = folder.join("home");
    let mut figures = Vec::new();
    for &pods in sizes {
        let recording = folder.join(format!("cluster-{pods}.json"));
        let file = File::create(&recording).map_err(|error| error.to_string())?;
        generate::cluster(&mut BufWriter::new(file), pods).map_err(|error| error.to_string())?;
        let mut runs = Vec::new();
        // The first one compiles, or warms the disk's cache.
        for round in 0..6 {
            let before = journal_bytes(&home) / 1e6;
            let program = std::env::current_exe().map_err(|error| error.to_string())?;
            let output = Command::new(program)
                .arg("--one-triage")
                .arg(&recording)
                .arg("--home")
                .arg(&home)
                .stderr(Stdio::inherit())
                .output()
                .map_err(|error| error.to_string())?;
            let mut run: OneTriage = serde_json::from_slice(&output.stdout)
                .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stdout)))?;
            run.journal_mb -= before;
            if round > 0 {
                runs.push(run);
            }
        }
        let times = runs.iter().map(|run| Duration::from_secs_f64(run.wall_ms / 1e3)).collect();
        let peak = runs.iter().map(|run| run.peak_mb).fold(0.0, f64::max);
        let findings = runs.first().map_or(0, |run| run.findings);
        let (mut time, mut memory) = (
            Figure::of(format!("triage, {pods} pods ({findings} problems found)"), "ms", times),
            Figure::once(format!("triage, {pods} pods, peak memory"), "MB", peak),
        );
        if pods == 10_000 {
            time.aim = Some(2_000.0);
            memory.aim = Some(300.0);
        }
        figures.push(time);
        figures.push(memory);
        let journal = runs.iter().map(|run| run.journal_mb).fold(0.0, f64::max);
        figures.push(Figure::once(format!("triage, {pods} pods, journal grows at most"), "MB", journal));
    }
    Ok(figures)
}

/// From starting the process to the journal's entry of the first plugin call.
#[expect(clippy::disallowed_methods, reason = "a benchmark starts itself and reads the clock")]
pub(crate) async fn start(folder: &Path) -> Result<Figure, String> {
    let home = folder.join("start");
    let recording = folder.join("start.json");
    let file = File::create(&recording).map_err(|error| error.to_string())?;
    generate::cluster(&mut BufWriter::new(file), 10).map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut times = Vec::new();
    for round in 0..21 {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(|e| e.to_string())?;
        let ran = Command::new(&program)
            .arg("--one-triage")
            .arg(&recording)
            .arg("--home")
            .arg(&home)
            .output()
            .map_err(|error| error.to_string())?;
        if !ran.status.success() {
            return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
        }
        let sickbay = sickbay(&home)?;
        let newest = sickbay.runs(1).await.map_err(|error| error.to_string())?;
        let id = newest.first().ok_or("there is no run")?.run.clone();
        let stored = sickbay.stored_run(&id).await.map_err(|error| error.to_string())?;
        let called = stored.entries.iter().find(|entry| matches!(entry.event, Event::CallStarted { .. }));
        let at = called.ok_or("the run called no plugin")?.at_ms;
        let at = Duration::from_millis(u64::try_from(at).unwrap_or(0));
        if round > 0 {
            times.push(at.saturating_sub(now));
        }
    }
    Ok(Figure::of("process start to first plugin call, cached", "ms", times).aim(30.0))
}
