//! Every recorded case is solved and nothing healthy is called sick, where the
//! cases are at hand; the program says in one line that they are not.
#![expect(clippy::disallowed_methods, reason = "a test starts the program")]

use std::process::Command;

#[test]
fn every_scenario_ends_as_it_should() {
    let output = Command::new(env!("CARGO_BIN_EXE_sickbay-eval")).arg("--scenarios").output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    println!("{table}");
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_recorded_case_is_solved() {
    let output = Command::new(env!("CARGO_BIN_EXE_sickbay-eval")).output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    println!("{table}");
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
}
