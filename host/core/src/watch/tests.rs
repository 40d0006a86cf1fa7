use proptest::prelude::*;

use super::*;

const SETTINGS: WatchSettings = WatchSettings { stabilise_ms: 10_000, deadline_ms: 60_000 };

#[derive(Clone, Debug)]
enum Look {
    Healthy,
    Waits,
    Fails,
    Unread,
    PluginFails,
    PluginWaits,
    /// Healthy, with that many restarts of a container.
    Restarts(u64),
    /// Not healthy, with that many restarts of a container.
    Crashes(u64),
}

fn sample(at_ms: i64, look: &Look) -> Sample {
    let object = ObjectRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "api".into(),
    };
    let mut sample =
        Sample { at_ms, objects: vec![], restarts: BTreeMap::new(), plugin: None, unread: vec![] };
    let waits = Health::Progressing { message: "1 of 2 pods".into() };
    let health = match look {
        Look::Healthy | Look::PluginFails | Look::PluginWaits | Look::Restarts(_) => Health::Healthy,
        Look::Waits | Look::Crashes(_) => waits,
        Look::Fails => Health::Failed { message: "no such image".into() },
        Look::Unread => {
            sample.unread.push("pods: the server does not answer".into());
            Health::Healthy
        }
    };
    if let Look::Restarts(count) | Look::Crashes(count) = look {
        sample.restarts.insert("uid-1/api".into(), *count);
    }
    let state = match look {
        Look::PluginFails => VerdictState::Failed,
        Look::PluginWaits => VerdictState::Progressing,
        _ => VerdictState::Healthy,
    };
    sample.plugin = Some(PluginVerdict { state, message: "the error rate".into() });
    sample.objects.push(ObjectHealth { object, health });
    sample
}

/// What the last of the looks comes to; all before it have to ask for another.
fn watch(settings: WatchSettings, looks: &[(i64, Look)]) -> WatchStep {
    let mut watch = Watch::new(settings, 0);
    let mut last = None;
    for (at_ms, look) in looks {
        assert!(
            last.as_ref().is_none_or(|step| matches!(step, WatchStep::Again { .. })),
            "it ended before {at_ms}: {last:?}"
        );
        last = Some(watch.accept(&sample(*at_ms, look)));
    }
    last.unwrap()
}

fn settled(message: &str) -> WatchStep {
    WatchStep::Settled { message: message.into() }
}

fn failed(message: &str) -> WatchStep {
    WatchStep::Failed { message: message.into() }
}

fn again(wait_ms: u64) -> WatchStep {
    WatchStep::Again { wait_ms }
}

#[test]
fn looks_come_to_a_step() {
    use Look::*;
    for (looks, expect) in [
        (vec![(0, Healthy)], again(500)),
        (vec![(0, Healthy), (9_999, Healthy)], again(1)),
        (vec![(0, Healthy), (10_000, Healthy)], settled("Deployment shop/api healthy for 10s")),
        (vec![(0, Waits), (20_000, Healthy), (29_999, Healthy)], again(1)),
        (
            vec![(0, Waits), (20_000, Healthy), (30_000, Healthy)],
            settled("Deployment shop/api healthy for 10s"),
        ),
        // A break begins the stretch anew.
        (vec![(0, Healthy), (5_000, Waits), (6_000, Healthy), (15_999, Healthy)], again(1)),
        (
            vec![(0, Healthy), (5_000, Waits), (6_000, Healthy), (16_000, Healthy)],
            settled("Deployment shop/api healthy for 10s"),
        ),
        (
            vec![(0, Healthy), (1_000, Waits), (2_000, Healthy), (3_000, Waits)],
            failed("it was healthy and turned unhealthy 2 times: Deployment shop/api (1 of 2 pods, for 0s)"),
        ),
        // The deadline is for becoming healthy, not for staying so.
        (vec![(0, Waits), (55_000, Healthy), (62_000, Healthy)], again(3_000)),
        (
            vec![(0, Waits), (60_000, Healthy), (70_000, Healthy)],
            settled("Deployment shop/api healthy for 10s"),
        ),
        (
            vec![(0, Waits), (60_000, Waits)],
            failed("it is not healthy after 1m: Deployment shop/api (1 of 2 pods, for 1m)"),
        ),
        (
            vec![(0, Waits), (55_000, Healthy), (62_000, Waits)],
            failed("it is not healthy after 1m: Deployment shop/api (1 of 2 pods, for 0s)"),
        ),
        (vec![(0, Waits), (60_001, Healthy)], failed("it did not become healthy within 1m")),
        // One look that failed may be a stale one.
        (vec![(0, Waits), (1_000, Fails)], again(500)),
        (vec![(0, Waits), (1_000, Fails), (2_000, Waits), (3_000, Fails)], again(500)),
        (
            vec![(0, Waits), (1_000, Fails), (2_000, Fails)],
            failed("Deployment shop/api has failed: no such image"),
        ),
        (
            vec![(0, Waits), (1_000, Fails), (1_500, Unread), (2_000, Fails)],
            failed("Deployment shop/api has failed: no such image"),
        ),
        // What had failed before gets time to recover.
        (vec![(0, Fails), (1_000, Fails), (19_999, Fails)], again(500)),
        (
            vec![(0, Fails), (1_000, Fails), (20_000, Fails)],
            failed("Deployment shop/api has failed: no such image"),
        ),
        (
            vec![(0, Fails), (1_000, Waits), (2_000, Fails), (3_000, Fails)],
            failed("Deployment shop/api has failed: no such image"),
        ),
        (
            vec![(0, Waits), (1_000, PluginFails), (2_000, PluginFails)],
            failed("the plugin's check has failed: the error rate"),
        ),
        (vec![(0, PluginWaits), (10_000, PluginWaits)], again(1_000)),
        (
            vec![(0, PluginWaits), (1_000, Healthy), (11_000, Healthy)],
            settled("Deployment shop/api healthy for 10s"),
        ),
        // Unread looks are no break, and do not count either.
        (
            vec![(0, Healthy), (5_000, Unread), (10_000, Healthy)],
            settled("Deployment shop/api healthy for 10s"),
        ),
        (vec![(0, Healthy), (10_000, Unread)], again(1_000)),
        (vec![(0, Unread), (30_000, Unread)], again(3_000)),
        (
            vec![(0, Unread), (60_000, Unread)],
            failed("it could not be seen to be healthy: pods: the server does not answer"),
        ),
        (
            vec![(0, Healthy), (69_999, Unread), (70_000, Unread)],
            failed("it could not be seen to be healthy: pods: the server does not answer"),
        ),
        // A container that restarts after all was healthy flaps, however healthy it looks.
        (vec![(0, Restarts(3)), (1_000, Restarts(3))], again(500)),
        (
            vec![(0, Restarts(3)), (1_000, Restarts(4))],
            failed("container `api` restarted once after all was healthy"),
        ),
        (
            vec![(0, Healthy), (1_000, Restarts(1))],
            failed("container `api` restarted once after all was healthy"),
        ),
        // Before that, one restart of a new container may be its start-up order.
        (vec![(0, Waits), (1_000, Crashes(1))], again(500)),
        (
            vec![(0, Waits), (1_000, Crashes(1)), (2_000, Crashes(2))],
            failed("container `api` restarted twice"),
        ),
        (vec![(0, Crashes(0)), (2_000, Crashes(2))], failed("container `api` restarted twice")),
        // What crashed before the plan crashes until it is replaced.
        (vec![(0, Crashes(7)), (2_000, Crashes(9))], again(500)),
        (
            vec![(0, Crashes(7)), (2_000, Restarts(8)), (12_000, Restarts(8))],
            settled("Deployment shop/api healthy for 10s"),
        ),
        // After a long time without a look, as of a run that was not driven, it begins anew.
        (vec![(120_001, Waits)], again(500)),
        (vec![(0, Waits), (120_001, Waits), (180_000, Waits)], again(1)),
        (
            vec![(0, Waits), (120_001, Waits), (180_001, Waits)],
            failed("it is not healthy after 1m: Deployment shop/api (1 of 2 pods, for 1m)"),
        ),
        (
            vec![(0, Waits), (120_000, Waits)],
            failed("it is not healthy after 1m: Deployment shop/api (1 of 2 pods, for 2m)"),
        ),
        (vec![(0, Healthy), (5_000, Healthy), (125_001, Healthy)], again(500)),
        (
            vec![(0, Healthy), (125_001, Healthy), (135_001, Healthy)],
            settled("Deployment shop/api healthy for 10s"),
        ),
        (vec![(0, Restarts(1)), (125_001, Restarts(5))], again(500)),
        // Time that goes back stands still.
        (vec![(5_000, Healthy), (1_000, Healthy)], again(500)),
        (vec![(-5_000, Healthy), (9_000, Healthy)], again(900)),
    ] {
        assert_eq!(watch(SETTINGS, &looks), expect, "{looks:?}");
    }
}

#[test]
fn no_window_needs_one_healthy_look() {
    let settings = WatchSettings { stabilise_ms: 0, deadline_ms: 1_000 };
    assert_eq!(watch(settings, &[(0, Look::Healthy)]), settled("Deployment shop/api healthy"));
    assert_eq!(
        watch(settings, &[(0, Look::Waits), (5_000, Look::Healthy)]),
        settled("Deployment shop/api healthy")
    );
    let none = WatchSettings { stabilise_ms: 0, deadline_ms: 0 };
    assert_eq!(watch(none, &[(700, Look::Healthy)]), settled("Deployment shop/api healthy"));
    assert!(matches!(watch(none, &[(700, Look::Waits)]), WatchStep::Failed { .. }));
}

#[test]
fn what_is_long_without_a_look_follows_from_the_deadline() {
    let settings = WatchSettings { stabilise_ms: 0, deadline_ms: 600_000 };
    let waits = |at| (at, Look::Waits);
    assert_eq!(watch(settings, &[waits(0), waits(300_000), waits(599_999)]), again(1));
    assert!(matches!(watch(settings, &[waits(0), waits(300_000), waits(600_000)]), WatchStep::Failed { .. }));
    assert_eq!(watch(settings, &[waits(0), waits(300_001), waits(600_000)]), again(5_000));
}

#[test]
fn looks_become_rarer() {
    let mut watch = Watch::new(WatchSettings { stabilise_ms: 1_000, deadline_ms: 120_000 }, 0);
    let (mut at, mut waits) = (0, vec![]);
    while let WatchStep::Again { wait_ms } = watch.accept(&sample(at, &Look::Waits)) {
        waits.push(wait_ms);
        at += i64::try_from(wait_ms).unwrap();
    }
    assert_eq!(at, 120_000, "the last look is at the deadline");
    assert_eq!((waits[0], waits.iter().max()), (500, Some(&5_000)));
    assert!(waits.len() < 60, "{}", waits.len());
}

#[test]
fn hostile_words_do_not_get_through() {
    let evil = "\u{1b}[2J\u{202e}ok\nhealthy";
    let mut first = sample(0, &Look::Fails);
    first.objects[0].object.name = evil.into();
    first.objects[0].health = Health::Failed { message: evil.into() };
    first.plugin = Some(PluginVerdict { state: VerdictState::Progressing, message: evil.into() });
    let mut watch = Watch::new(WatchSettings { stabilise_ms: 0, deadline_ms: 1 }, 0);
    watch.accept(&first);
    first.at_ms = 10;
    let WatchStep::Failed { message } = watch.accept(&first) else { panic!("it goes on") };
    assert!(!message.chars().any(crate::text::is_hidden), "{message:?}");
}

fn any_look() -> impl Strategy<Value = Look> {
    prop_oneof![
        4 => Just(Look::Healthy),
        3 => Just(Look::Waits),
        1 => Just(Look::Fails),
        2 => Just(Look::Unread),
        1 => Just(Look::PluginFails),
        1 => Just(Look::PluginWaits),
        1 => (0_u64..4).prop_map(Look::Restarts),
        1 => (0_u64..4).prop_map(Look::Crashes),
    ]
}

proptest! {
    #[test]
    fn it_ends_in_time_whatever_is_seen(
        looks in prop::collection::vec(any_look(), 1..40),
        stabilise_ms in 0_u64..20_000,
        deadline_ms in 0_u64..60_000,
    ) {
        let mut watch = Watch::new(WatchSettings { stabilise_ms, deadline_ms }, 1_000);
        let end = 1_000 + i64::try_from(stabilise_ms + deadline_ms).unwrap();
        let mut at = 1_000;
        for look in looks.iter().cycle() {
            match watch.accept(&sample(at, look)) {
                WatchStep::Again { wait_ms } => {
                    prop_assert!((1..=5_000).contains(&wait_ms));
                    at += i64::try_from(wait_ms).unwrap();
                    prop_assert!(at <= end, "a look at {at} lies behind the end at {end}");
                }
                _ => break,
            }
        }
    }

    #[test]
    fn it_never_settles_without_a_healthy_stretch(
        looks in prop::collection::vec((0_i64..8_000, any_look()), 1..40),
        stabilise_ms in 0_u64..20_000,
    ) {
        let mut watch = Watch::new(WatchSettings { stabilise_ms, deadline_ms: 60_000 }, 0);
        let mut at = 0;
        let mut since: Option<i64> = None;
        for (step, look) in &looks {
            at += step;
            match look {
                Look::Healthy | Look::Restarts(_) => { since.get_or_insert(at); }
                Look::Unread => {}
                _ => since = None,
            }
            match watch.accept(&sample(at, look)) {
                WatchStep::Again { .. } => {}
                WatchStep::Failed { .. } => break,
                WatchStep::Settled { .. } => {
                    prop_assert!(!matches!(look, Look::Unread));
                    let stretch = since.map(|since| u64::try_from(at - since).unwrap());
                    prop_assert!(stretch.is_some_and(|stretch| stretch >= stabilise_ms), "{stretch:?}");
                    break;
                }
            }
        }
    }

    #[test]
    fn the_same_looks_give_the_same_steps(looks in prop::collection::vec((any::<i64>(), any_look()), 1..20)) {
        let run = || {
            let mut watch = Watch::new(SETTINGS, 0);
            looks.iter().map(|(at, look)| watch.accept(&sample(*at, look))).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }
}
