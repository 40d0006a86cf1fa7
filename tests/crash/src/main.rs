//! One run, or the rest of one, in a process that can be killed.

use std::{io::Read as _, process::ExitCode, sync::Arc};

use async_trait::async_trait;
use sickbay_crash::{DyingJournal, Order, Told};
use sickbay_runtime::{
    ApprovalRequest, Approver, ClusterChoice, Decision, Folders, LivePlace, ResumeRequest, RunEnd,
    RunRequest, Sickbay, profiles,
};
use sickbay_store::{SqliteJournal, SqliteSettings};

/// A person who reads the diff and says yes.
struct Agreeing;

#[async_trait]
impl Approver for Agreeing {
    async fn decide(&self, _request: &ApprovalRequest) -> Decision {
        Decision::Approve
    }

    fn is_present(&self) -> bool {
        true
    }
}

#[expect(clippy::disallowed_methods, reason = "its order is its one argument")]
fn main() -> ExitCode {
    // A test that is stopped leaves nothing behind.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::abort();
    });
    let order = std::env::args().nth(1).ok_or_else(|| "no order".to_owned());
    let order = order.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string());
    let told = match order.and_then(|order: Order| runtime?.block_on(carry_out(order))) {
        Ok(end) => Told::End { outcome: end.report.outcome.as_str().to_owned(), parked: end.parked },
        Err(message) => Told::Failed { message },
    };
    told.tell();
    ExitCode::SUCCESS
}

async fn carry_out(order: Order) -> Result<RunEnd, String> {
    let folders = Folders {
        config: order.home.join("config"),
        data: order.home.join("data"),
        cache: order.cache.clone(),
    };
    let failed = |failure: sickbay_runtime::Failure| failure.to_string();
    let journal = SqliteJournal::open(SqliteSettings::new(folders.journal())).await;
    let journal = journal.map_err(|error| error.to_string())?;
    let sickbay = Sickbay::with_embedded(folders, sickbay_embedded::components())
        .with_journal(Arc::new(DyingJournal::new(journal, order.death)))
        .approved_by(Arc::new(Agreeing));
    let end = match &order.resume {
        Some(run) => Box::pin(sickbay.resume(run, ResumeRequest::default())).await,
        None => {
            let profile =
                profiles::load(sickbay.folders(), &order.profile, &order.set).map_err(failed)?.profile;
            let place = LivePlace { kubeconfig: Some(order.kubeconfig.clone()), ..LivePlace::default() };
            sickbay.run(RunRequest::new(profile, ClusterChoice::Live(place))).await
        }
    };
    let end = end.map_err(failed)?;
    sickbay.close().await.map_err(failed)?;
    Ok(end)
}
