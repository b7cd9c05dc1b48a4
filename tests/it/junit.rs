//! The JUnit file of `check --junit`.

use std::{env, fs, process::Command};

use crate::support::gallery;

#[test]
fn a_junit_file_tells_every_verdict_and_why_one_failed() {
    let folder = env::temp_dir().join(format!("roomsim-junit-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    // T5'' = T3 + 20 min; one second more is wrong.
    let wrong = gallery("situation-3").replace("T3+20min", "T3+1201s");
    fs::write(folder.join("wrong.json"), wrong).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_roomsim"))
        .current_dir(&folder)
        .args(["check", "wrong.json", "--junit", "verdicts.xml"])
        .output()
        .unwrap()
        .status;
    let xml = fs::read_to_string(folder.join("verdicts.xml")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(xml.contains("failures=\"1\""), "{xml}");
    assert!(xml.contains("T5&apos;&apos; A ReconnectFailed 1002053"), "{xml}");
    assert!(xml.contains("difference -1.000000 s, too early"), "{xml}");
}
