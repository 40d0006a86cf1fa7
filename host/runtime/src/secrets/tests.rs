use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::*;

const PLANTED: &str = "sk-planted-0123456789";

fn folders() -> (tempfile::TempDir, Folders) {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::resolve(Some(home.path())).unwrap();
    (home, folders)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn set(folders: &Folders, name: &str, audience: &str, value: &str) -> Result<bool, Failure> {
    block_on(keep_secret(folders, SecretPlace::File, name, audience, Secret::new(value), 5))
}

/// A keyring in memory, which can be locked.
#[derive(Debug, Default)]
struct Ring {
    held: Mutex<BTreeMap<String, String>>,
    is_locked: AtomicBool,
}

impl Ring {
    fn open(&self) -> Result<MutexGuard<'_, BTreeMap<String, String>>, String> {
        if self.is_locked.load(Relaxed) {
            Err("it is locked".to_owned())
        } else {
            Ok(self.held.lock().unwrap())
        }
    }
}

#[async_trait::async_trait]
impl Keyring for Ring {
    async fn get(&self, name: &str) -> Result<Option<Secret>, String> {
        Ok(self.open()?.get(name).map(Secret::new))
    }

    async fn set(&self, name: &str, secret: &Secret) -> Result<(), String> {
        self.open()?.insert(name.to_owned(), secret.reveal().to_owned());
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), String> {
        self.open()?.remove(name);
        Ok(())
    }
}

fn info(secret_name: &str, endpoint: &str) -> ProviderInfo {
    ProviderInfo {
        description: String::new(),
        models: Vec::new(),
        default_endpoint: endpoint.to_owned(),
        auth: Auth::Header {
            name: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
            secret_name: secret_name.to_owned(),
        },
    }
}

fn variables(known: &'static [(&'static str, &'static str)]) -> Variables {
    Variables::new(move |name| {
        known.iter().find(|(known, _)| *known == name).map(|(_, value)| Secret::new(*value))
    })
}

struct Case {
    settings: ModelSettings,
    kept_for: Option<&'static str>,
    variables: &'static [(&'static str, &'static str)],
    secret_name: &'static str,
    own: &'static str,
    endpoint: &'static str,
}

const OPENAI: &str = "https://api.openai.com/v1";

impl Default for Case {
    fn default() -> Self {
        Self {
            settings: ModelSettings::default(),
            kept_for: None,
            variables: &[],
            secret_name: "openai",
            own: OPENAI,
            endpoint: OPENAI,
        }
    }
}

/// The key and its audience, nothing, or the error.
fn resolved(case: &Case) -> Result<Option<(String, String)>, String> {
    let (_home, folders) = folders();
    if let Some(audience) = case.kept_for {
        set(&folders, case.secret_name, audience, "kept").unwrap();
    }
    let (store, variables) = (SecretStore::open(&folders).unwrap(), variables(case.variables));
    let sources = KeySources {
        settings: Some(&case.settings),
        store: &store,
        keyring: &NoKeyring,
        variables: &variables,
    };
    block_on(sources.resolve("house", &info(case.secret_name, case.own), case.endpoint))
        .map(|key| key.credential.map(|c| (c.secret.reveal().to_owned(), c.audience.to_string())))
        .map_err(|failure| format!("{} ({})", failure.message, failure.hint.unwrap_or_default()))
}

fn named(variable: &str) -> ModelSettings {
    ModelSettings { key_env: Some(variable.to_owned()), ..ModelSettings::default() }
}

#[test]
fn a_key_is_looked_for_in_order_and_goes_to_the_endpoint_alone() {
    let both = &[("OPENAI_API_KEY", "vendor"), ("MINE", "mine\n")];
    let own = Some("https://api.openai.com");
    let some = |key: &str, origin: &str| Ok(Some((key.to_owned(), origin.to_owned())));
    for (case, expect) in [
        (Case { settings: named("MINE"), kept_for: own, variables: both, ..Case::default() }, some("mine", "https://api.openai.com")),
        (Case { kept_for: own, variables: both, ..Case::default() }, some("kept", "https://api.openai.com")),
        (Case { variables: both, ..Case::default() }, some("vendor", "https://api.openai.com")),
        // A key that is named goes where the profile says.
        (Case { settings: named("MINE"), variables: both, endpoint: "http://127.0.0.1:9/v1", ..Case::default() }, some("mine", "http://127.0.0.1:9")),
        // One that is not goes to its vendor alone: neither to another endpoint, nor to a plugin that says its name.
        (Case { variables: both, endpoint: "http://127.0.0.1:9/v1", ..Case::default() }, Ok(None)),
        (Case { variables: both, own: "https://evil.example/v1", endpoint: "https://evil.example/v1", ..Case::default() },
            Err("there is no key for provider `house` (set `OPENAI_API_KEY` in the environment, or store it with `sickbay secret set openai`)".to_owned())),
        (Case { kept_for: own, endpoint: "https://proxy.example/v1", ..Case::default() }, Ok(None)),
        (Case { kept_for: own, own: "https://evil.example", endpoint: "https://evil.example", ..Case::default() },
            Err("the secret `openai` is for `https://api.openai.com`, and provider `house` is at `https://evil.example` (set one for it with `sickbay secret set openai --for https://evil.example`)".to_owned())),
        (Case { kept_for: Some("https://proxy.example"), endpoint: "https://proxy.example/v1", ..Case::default() }, some("kept", "https://proxy.example")),
        (Case { settings: named("NOT_SET"), variables: both, ..Case::default() },
            Err("the profile takes the key of provider `house` from `NOT_SET`, which is not set (set `NOT_SET` in the environment, or name another one in `key-env`)".to_owned())),
        (Case { secret_name: "house", own: "https://house.example", endpoint: "https://house.example", ..Case::default() },
            Err("there is no key for provider `house` (store it with `sickbay secret set house`, or name its variable in `[model] key-env`)".to_owned())),
    ] {
        assert_eq!(resolved(&case), expect);
    }
}

#[test]
fn a_provider_that_wants_no_key_gets_the_one_that_is_for_its_endpoint() {
    let none = ProviderInfo { auth: Auth::None, ..info("", "http://127.0.0.1:11434") };
    let (_home, folders) = folders();
    let known = variables(&[("OLLAMA_API_KEY", "cloud")]);
    let resolve = |endpoint: &str| {
        let store = SecretStore::open(&folders).unwrap();
        let sources = KeySources { settings: None, store: &store, keyring: &NoKeyring, variables: &known };
        let key = block_on(sources.resolve("ollama", &none, endpoint)).unwrap();
        key.credential.map(|credential| credential.secret.reveal().to_owned())
    };
    assert_eq!(resolve("https://ollama.com").as_deref(), Some("cloud"));
    assert_eq!(resolve("http://127.0.0.1:11434"), None);
    set(&folders, "ollama", "https://house.example", "house").unwrap();
    assert_eq!(resolve("https://house.example/v1").as_deref(), Some("house"));
    assert_eq!(resolve("https://ollama.com").as_deref(), Some("cloud"));
}

#[test]
fn a_key_file_holds_one_line() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    for (text, expect) in
        [("  k1\n", Ok("k1")), ("\n", Err("it is empty")), ("a\nb", Err("it has more than one line"))]
    {
        file::write_atomic(&path, text.as_bytes()).unwrap();
        let settings =
            ModelSettings { key_file: Some(path.display().to_string()), ..ModelSettings::default() };
        let found = resolved(&Case { settings, ..Case::default() });
        match expect {
            Ok(key) => assert_eq!(found.unwrap().map(|(key, _)| key).as_deref(), Some(key)),
            Err(why) => {
                let error = found.unwrap_err();
                assert!(error.contains(why), "{error}");
            }
        }
    }
}

#[test]
fn secrets_are_kept_listed_without_their_values_and_removed() {
    let (_home, folders) = folders();
    assert_eq!(SecretStore::open(&folders).unwrap().list(), []);
    let set = |name, audience, value: &str| set(&folders, name, audience, value);
    assert!(!set("openai", "https://API.openai.com:443/v1", "one").unwrap());
    assert!(set("openai", "https://api.openai.com", PLANTED).unwrap());
    set("mine", "http://127.0.0.1:8080", "x\"]\\").unwrap();
    let store = SecretStore::open(&folders).unwrap();
    assert_eq!(
        store.list()[1],
        SecretEntry {
            name: "openai".into(),
            audience: "https://api.openai.com".into(),
            set_ms: 5,
            in_keyring: false
        }
    );
    assert_eq!(store.find("openai").unwrap().kept, Kept::Here(Secret::new(PLANTED)));
    assert_eq!(store.find("mine").unwrap().kept, Kept::Here(Secret::new("x\"]\\")));
    assert!(!format!("{store:?}").contains(PLANTED));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = std::fs::metadata(folders.data.join("secrets.toml")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    block_on(forget_secret(&folders, &NoKeyring, "mine")).unwrap();
    let failure = block_on(forget_secret(&folders, &NoKeyring, "opnai")).unwrap_err();
    assert_eq!(failure.hint.as_deref(), Some("did you mean `openai`?"));
    for (name, audience, value) in [
        ("Open AI", "https://a.example", "x"),
        ("a", "a.example", "x"),
        ("a", "https://a.example", ""),
        ("a", "https://a.example", "x\ny"),
    ] {
        assert!(set(name, audience, value).is_err(), "{name} {audience} {value:?}");
    }
}

#[cfg(unix)]
#[test]
#[expect(clippy::disallowed_methods, reason = "the test breaks the file's mode and content by hand")]
fn a_store_that_is_open_or_broken_is_refused_without_its_text() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_home, folders) = folders();
    set(&folders, "openai", "https://api.openai.com", PLANTED).unwrap();
    let path = folders.data.join("secrets.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let failure = SecretStore::open(&folders).unwrap_err();
    assert!(failure.message.ends_with("can be read by other users"), "{failure}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    for text in [
        format!("version = 1\nsecret = {PLANTED}"),
        format!("version = 2\n#{PLANTED}"),
        format!("version = 1\n[[secret]]\nname = \"a\"\naudience = \"x\"\nset-ms = 1\nvalue = \"{PLANTED}\""),
    ] {
        std::fs::write(&path, text).unwrap();
        let failure = SecretStore::open(&folders).unwrap_err();
        assert!(failure.message.contains("can not be read: "), "{failure}");
        assert!(!failure.message.contains(PLANTED), "{failure}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test looks into the file")]
fn a_secret_in_the_keyring_is_nowhere_else_and_is_found_there() {
    let (_home, folders) = folders();
    let ring = Ring::default();
    let keep = |place: SecretPlace<'_>, value: &str| {
        block_on(keep_secret(&folders, place, "openai", "https://api.openai.com", Secret::new(value), 5))
    };
    let found = || {
        let store = SecretStore::open(&folders).unwrap();
        let (settings, none) = (ModelSettings::default(), Variables::default());
        let sources =
            KeySources { settings: Some(&settings), store: &store, keyring: &ring, variables: &none };
        block_on(sources.resolve("openai", &info("openai", OPENAI), OPENAI))
            .map(|key| key.credential.unwrap().secret.reveal().to_owned())
            .map_err(|failure| format!("{} ({})", failure.message, failure.hint.unwrap_or_default()))
    };
    assert!(!keep(SecretPlace::Keyring(&ring), PLANTED).unwrap());
    let file = std::fs::read_to_string(folders.data.join("secrets.toml")).unwrap();
    assert!(file.contains("openai") && !file.contains(PLANTED), "{file}");
    assert!(SecretStore::open(&folders).unwrap().list()[0].in_keyring);
    assert_eq!(found().as_deref(), Ok(PLANTED));

    ring.is_locked.store(true, Relaxed);
    let error = found().unwrap_err();
    assert!(
        error.contains("system's keyring: it is locked") && error.contains("unlock the keyring"),
        "{error}"
    );
    // What the keyring does not take leaves all as it was.
    assert!(keep(SecretPlace::Keyring(&ring), "other").is_err());
    assert!(SecretStore::open(&folders).unwrap().list()[0].in_keyring);
    let failure = block_on(forget_secret(&folders, &ring, "openai")).unwrap_err();
    assert!(failure.message.contains("still holds it: it is locked"), "{failure}");
    assert_eq!(SecretStore::open(&folders).unwrap().list(), []);
    assert!(keep(SecretPlace::Keyring(&ring), "other").is_err());
    assert_eq!(SecretStore::open(&folders).unwrap().list(), []);

    ring.is_locked.store(false, Relaxed);
    keep(SecretPlace::Keyring(&ring), PLANTED).unwrap();
    block_on(forget_secret(&folders, &ring, "openai")).unwrap();
    assert!(ring.held.lock().unwrap().is_empty());
    keep(SecretPlace::Keyring(&ring), PLANTED).unwrap();
    ring.held.lock().unwrap().clear();
    let error = found().unwrap_err();
    assert!(error.contains("is not in the system's keyring any more"), "{error}");
}
