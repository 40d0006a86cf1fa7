//! The contract of reading and writing, one suite for two clusters: the
//! playground, in every test run, and the real API server of the kubeconfig
//! that `SICKBAY_LIVE_KUBECONFIG` names. What passes on the double alone fails
//! here on the real one.
//!
//! Each check has a namespace of its own, sets it up and looks at the outcome
//! with a plain HTTP client, never with the code under test. A second
//! kubeconfig, in `SICKBAY_LIVE_VIEWER_KUBECONFIG`, names a user who may only read.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says why it skips, and is told by the environment where the cluster is"
)]

mod access;
mod content;
mod pods;
mod reading;
mod rollouts;
mod survey;
mod target;

/// Each check once on either cluster.
macro_rules! contract {
    ($($part:ident::$check:ident),* $(,)?) => {
        mod live_api_server {
            $(
                #[tokio::test]
                async fn $check() {
                    if let Some(target) = crate::target::Target::live(stringify!($check)).await {
                        crate::$part::$check(&target).await;
                        target.remove().await;
                    }
                }
            )*
        }
        mod playground {
            $(
                #[tokio::test]
                async fn $check() {
                    let target = crate::target::Target::playground(stringify!($check)).await;
                    crate::$part::$check(&target).await;
                }
            )*
        }
    };
}

contract![
    access::the_cluster_has_one_identity,
    access::a_note_is_an_event_about_the_object,
    access::what_the_server_refuses_is_an_error_and_changes_nothing,
    content::every_kind_of_patch_goes_there_and_back,
    content::a_rehearsal_changes_nothing,
    content::a_change_of_nothing_is_said_to_be_one,
    content::an_object_that_changed_since_is_left_alone,
    content::a_new_status_does_not_stand_in_the_way,
    content::taking_back_never_writes_over_what_others_did,
    content::objects_are_created_and_go_again,
    content::objects_are_deleted_and_come_back,
    pods::a_pod_is_deleted_once,
    pods::evictions_keep_to_the_budget,
    rollouts::a_deployment_is_scaled_and_scaled_back,
    rollouts::a_restart_makes_new_pods,
    rollouts::a_deployment_goes_back_to_an_earlier_template,
    rollouts::a_stateful_set_goes_back_to_an_earlier_template,
    rollouts::a_password_that_went_comes_back_from_the_cluster_itself,
    survey::a_survey_tells_whom_a_change_reaches,
];

/// The live back on the real server is asked the same by the tests of live
/// access. In a playground of its own, where nothing changes meanwhile.
#[tokio::test]
async fn the_playground_keeps_the_contract_of_reading() {
    let playground = target::served().await;
    let writer = target::writer(playground.kubeconfig()).await;
    reading::keeps_the_contract(writer.cluster().as_ref()).await;
}
