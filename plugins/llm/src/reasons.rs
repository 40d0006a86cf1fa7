//! Reasons as one CamelCase word, in Kubernetes' own terms where it has one, so
//! that the same problem has the same name whoever found it: reports, policies
//! and proposals match by it.

use crate::text;

/// Those that the prompt names, and that `describe` promises. A model may find
/// another one; it is kept as a word.
pub const COMMON: &[&str] = &[
    "AccessDenied",
    "BackendNotFound",
    "BackoffLimitExceeded",
    "ConfigMapKeyMissing",
    "ConfigMapMissing",
    "ConnectionFailing",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "DiskPressure",
    "ErrImageNeverPull",
    "ErrImagePull",
    "Error",
    "Evicted",
    "FailedAttachVolume",
    "FailedCreate",
    "FailedCreatePodSandBox",
    "FailedMount",
    "ImagePullBackOff",
    "InvalidCommand",
    "InvalidConfiguration",
    "InvalidImageName",
    "MemoryPressure",
    "MissingMetrics",
    "NoEndpoints",
    "NoReadyEndpoints",
    "NodeSelectorMismatch",
    "NotReady",
    "OOMKilled",
    "Pending",
    "PermissionMissing",
    "PersistentVolumeClaimMissing",
    "ProbeMisconfigured",
    "ProgressDeadlineExceeded",
    "ProvisioningFailed",
    "QuotaExceeded",
    "RunContainerError",
    "SecretKeyMissing",
    "SecretMissing",
    "SelectorMismatch",
    "ServiceAccountMissing",
    "ServiceMissing",
    "StorageClassMissing",
    "SuspiciousText",
    "TargetPortMismatch",
    "TLSFailing",
    "TooFewHealthyPods",
    "Unavailable",
    "Unhealthy",
    "Unknown",
    "Unschedulable",
    "UntoleratedTaint",
    "VariableMissing",
];

/// What models say instead, in small letters and digits alone.
const OTHERWISE: &[(&str, &str)] = &[
    ("backoff", "CrashLoopBackOff"),
    ("containercrash", "CrashLoopBackOff"),
    ("containercrashing", "CrashLoopBackOff"),
    ("crashloop", "CrashLoopBackOff"),
    ("crashlooping", "CrashLoopBackOff"),
    ("podcrashing", "CrashLoopBackOff"),
    ("podcrashloop", "CrashLoopBackOff"),
    ("podcrashlooping", "CrashLoopBackOff"),
    ("failedscheduling", "Unschedulable"),
    ("podunschedulable", "Unschedulable"),
    ("schedulingfailed", "Unschedulable"),
    ("schedulingfailure", "Unschedulable"),
    ("insufficientresources", "Unschedulable"),
    ("insufficientcpu", "Unschedulable"),
    ("insufficientmemory", "Unschedulable"),
    ("imagenotfound", "ImagePullBackOff"),
    ("imagepull", "ImagePullBackOff"),
    ("imagepullerror", "ImagePullBackOff"),
    ("imagepullfailed", "ImagePullBackOff"),
    ("imagepullfailure", "ImagePullBackOff"),
    ("invalidimage", "ImagePullBackOff"),
    ("invalidimagetag", "ImagePullBackOff"),
    ("wrongimage", "ImagePullBackOff"),
    ("wrongimagetag", "ImagePullBackOff"),
    ("memorylimitexceeded", "OOMKilled"),
    ("memorylimittoolow", "OOMKilled"),
    ("oom", "OOMKilled"),
    ("oomkill", "OOMKilled"),
    ("outofmemory", "OOMKilled"),
    ("outofmemorykilled", "OOMKilled"),
    ("configmapnotfound", "ConfigMapMissing"),
    ("missingconfigmap", "ConfigMapMissing"),
    ("missingconfigmapkey", "ConfigMapKeyMissing"),
    ("configmapkeynotfound", "ConfigMapKeyMissing"),
    ("secretnotfound", "SecretMissing"),
    ("missingsecret", "SecretMissing"),
    ("missingsecretkey", "SecretKeyMissing"),
    ("secretkeynotfound", "SecretKeyMissing"),
    ("envvarmissing", "VariableMissing"),
    ("environmentvariablemissing", "VariableMissing"),
    ("missingenv", "VariableMissing"),
    ("missingenvvar", "VariableMissing"),
    ("missingenvironmentvariable", "VariableMissing"),
    ("missingvariable", "VariableMissing"),
    ("deploymentunavailable", "Unavailable"),
    ("replicasunavailable", "Unavailable"),
    ("unavailablereplicas", "Unavailable"),
    ("minimumreplicasunavailable", "Unavailable"),
    ("livenessprobefailed", "Unhealthy"),
    ("livenessprobefailure", "Unhealthy"),
    ("probefailed", "Unhealthy"),
    ("probefailure", "Unhealthy"),
    ("readinessprobefailed", "Unhealthy"),
    ("readinessprobefailure", "Unhealthy"),
    ("misconfiguredprobe", "ProbeMisconfigured"),
    ("wrongprobe", "ProbeMisconfigured"),
    ("nodenotready", "NotReady"),
    ("podnotready", "NotReady"),
    ("endpointsempty", "NoEndpoints"),
    ("noendpointsavailable", "NoEndpoints"),
    ("servicenoendpoints", "NoEndpoints"),
    ("noreadypods", "NoReadyEndpoints"),
    ("labelmismatch", "SelectorMismatch"),
    ("serviceselectormismatch", "SelectorMismatch"),
    ("wrongselector", "SelectorMismatch"),
    ("portmismatch", "TargetPortMismatch"),
    ("wrongport", "TargetPortMismatch"),
    ("wrongtargetport", "TargetPortMismatch"),
    ("exceededquota", "QuotaExceeded"),
    ("resourcequotaexceeded", "QuotaExceeded"),
    ("storageclassnotfound", "StorageClassMissing"),
    ("missingstorageclass", "StorageClassMissing"),
    ("pvcpending", "Pending"),
    ("claimpending", "Pending"),
    ("pvcmissing", "PersistentVolumeClaimMissing"),
    ("missingpvc", "PersistentVolumeClaimMissing"),
    ("volumemountfailed", "FailedMount"),
    ("mountfailed", "FailedMount"),
    ("connectionrefused", "ConnectionFailing"),
    ("connectionfailed", "ConnectionFailing"),
    ("connectionfailure", "ConnectionFailing"),
    ("dependencyunavailable", "ConnectionFailing"),
    ("rbacdenied", "AccessDenied"),
    ("forbidden", "AccessDenied"),
    ("permissiondenied", "AccessDenied"),
    ("taintnottolerated", "UntoleratedTaint"),
    ("nodeaffinitymismatch", "NodeSelectorMismatch"),
    ("promptinjection", "SuspiciousText"),
    ("suspiciousinstructions", "SuspiciousText"),
];

/// Reasons that tell of one and the same trouble from different sides.
const FAMILIES: &[&[&str]] = &[
    &[
        "CrashLoopBackOff",
        "Error",
        "OOMKilled",
        "RunContainerError",
        "ContainerCannotRun",
        "StartError",
        "Restarting",
        "Unavailable",
        "NotReady",
        "ProgressDeadlineExceeded",
        "BackoffLimitExceeded",
        "VariableMissing",
        "InvalidCommand",
        "InvalidConfiguration",
        "ConnectionFailing",
        "MemoryLimitTooLow",
        "ErrorsInLog",
        "DeadlineExceeded",
        "JobFailed",
        "Failed",
        "Failing",
        "HostUnknown",
        "PermissionMissing",
        "DiskFull",
        "TLSFailing",
    ],
    &[
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "ImageNotFound",
        "Unavailable",
        "ProgressDeadlineExceeded",
    ],
    &[
        "Unschedulable",
        "Pending",
        "FailedScheduling",
        "NodeSelectorMismatch",
        "UntoleratedTaint",
        "NoNodeSelected",
        "FullOfPods",
        "Unavailable",
        "ProgressDeadlineExceeded",
    ],
    &[
        "CreateContainerConfigError",
        "CreateContainerError",
        "ConfigMapMissing",
        "ConfigMapKeyMissing",
        "SecretMissing",
        "SecretKeyMissing",
        "FailedMount",
        "ContainerCreating",
        "Unavailable",
        "ProgressDeadlineExceeded",
    ],
    &["Unhealthy", "ProbeMisconfigured", "NotReady", "Unavailable", "ProgressDeadlineExceeded"],
    &[
        "NoEndpoints",
        "NoReadyEndpoints",
        "EndpointsEmpty",
        "SelectorMismatch",
        "NoMatchingPods",
        "SelectsNothing",
        "TargetPortMismatch",
        "TargetPortNotFound",
        "PortMismatch",
    ],
    &[
        "Pending",
        "ClaimPending",
        "ProvisioningFailed",
        "StorageClassMissing",
        "StorageClassNotFound",
        "NoDefaultStorageClass",
        "NoMatchingVolume",
        "VolumeMismatch",
    ],
    &[
        "FailedCreate",
        "QuotaExceeded",
        "QuotaTooSmall",
        "QuotaNeedsAmounts",
        "OutsideLimitRange",
        "Unavailable",
    ],
    &["BackendNotFound", "BackendUnavailable", "BackendPortNotFound", "ServiceMissing"],
];

/// The reason as one word.
#[must_use]
pub fn normal(said: &str) -> String {
    let small: String = said
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(60)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    if let Some((_, own)) = OTHERWISE.iter().find(|(otherwise, _)| *otherwise == small) {
        return (*own).to_owned();
    }
    let known = COMMON.iter().chain(FAMILIES.iter().copied().flatten());
    if let Some(own) = { known }.find(|own| own.eq_ignore_ascii_case(&small)) {
        return (*own).to_owned();
    }
    let words = said.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let camel: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_ascii_uppercase())
        })
        .collect();
    let camel = text::word(&camel, 60);
    if camel.starts_with(|letter: char| letter.is_ascii_alphabetic()) { camel } else { "Unknown".to_owned() }
}

/// Whether two reasons can be the same trouble of one object.
#[must_use]
pub fn are_of_one_family(one: &str, other: &str) -> bool {
    one == other || FAMILIES.iter().any(|family| family.contains(&one) && family.contains(&other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_become_kubernetes_own_words() {
        for (said, expect) in [
            ("CrashLoopBackOff", "CrashLoopBackOff"),
            ("crash-loop-backoff", "CrashLoopBackOff"),
            ("Crash Loop", "CrashLoopBackOff"),
            ("OOM", "OOMKilled"),
            ("oom_killed", "OOMKilled"),
            ("FailedScheduling", "Unschedulable"),
            ("missing environment variable", "VariableMissing"),
            ("disk is full", "DiskIsFull"),
            ("\u{1b}[31mBad", "Unknown"),
            ("", "Unknown"),
            ("42", "Unknown"),
            ("ünï", "N"),
        ] {
            assert_eq!(normal(said), expect, "{said}");
        }
        assert!(normal(&"x".repeat(1_000)).len() <= 60);
        assert!(COMMON.iter().all(|reason| reason.chars().all(|letter| letter.is_ascii_alphanumeric())));
        assert!(OTHERWISE.iter().all(|(said, _)| said.chars().all(|c| c.is_ascii_lowercase())));
    }

    #[test]
    fn one_trouble_has_several_names() {
        assert!(are_of_one_family("CrashLoopBackOff", "VariableMissing"));
        assert!(are_of_one_family("Foo", "Foo") && !are_of_one_family("OOMKilled", "ImagePullBackOff"));
    }
}
