//! How faults of a file are shown on a terminal.

use crate::cli::{Place, VISIT, assert_has, assert_plain};

#[test]
fn nothing_of_a_file_reaches_the_terminal_as_it_stands() {
    let place = Place::new("escape");
    let harm = "\u{1b}[2J\u{7}\u{202e}";
    for text in [
        VISIT.replace("\"1min\",", &format!("\"1mni\", // {harm}\n")),
        VISIT.replace("\"1min\"", &format!("\"{harm}\"")),
        VISIT.replace("\"version\"", "\"\\u001b[2J\": 1, \"version\""),
        format!("{VISIT} {harm}"),
    ] {
        place.write("escape.json", &text);
        let err = place.roomsim("validate escape.json", 2).err;
        let is_harm = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
        assert!(!err.contains(is_harm), "{err:?}");
    }
}

#[test]
fn of_a_long_line_only_a_piece_is_shown() {
    let place = Place::new("line");
    let step = r#"{ "at": "0s", "client": "Zed", "do": { "logoutRoom": {} } }, "#;
    let script = format!("\"script\": [ {}", step.repeat(1000));
    place.write("long.json", &VISIT.replace("\"script\": [", &script));
    let err = place.roomsim("validate long.json", 2).err;
    assert_has(&err, "1000 faults");
    assert!(err.len() < 4 * script.len(), "{} bytes about {}", err.len(), script.len());
    assert_plain(&err);
}

/// The faulty value is shown wherever on its line it is, however wide that and the lines about it
/// are.
#[test]
fn faults_are_shown_within_80_columns() {
    let place = Place::new("wide");
    let head = "{ \"version\": 1, \"name\": \"wide\", \"duration\": \"1min\",";
    for (blanks, long, after) in [
        (0, 1, 0),
        (1, 1, 90),
        (40, 1, 0),
        (47, 1, 0),
        (59, 1, 0),
        (59, 1, 90),
        (70, 9, 3),
        (3, 90, 300),
        (200, 300, 90),
    ] {
        for letter in ["x", "ä", "部"] {
            let (value, pad) = (letter.repeat(long), " ".repeat(blanks));
            let comment = letter.repeat(after);
            let text = format!(
                "{head}{pad}\n{pad}\"seed\": \"{value}\", // {comment}\n\
                 \"profile\": \"zego\", // {comment}{value}\n\
                 \"links\": {{ \"x\": {{}} }}, \"script\": [],\n\
                 \"clients\": [ {{ \"name\": \"A\", \"link\": \"x\" }} ] }}\n"
            );
            place.write("wide.json", &text);
            let err = place.roomsim("validate wide.json", 2).err;
            assert_plain(&err);
            let at = format!("wide.json:2:{}", blanks + 9);
            assert_has(&err, &format!("{at}: |[{at}]|found `{letter}|── here|help: "));
            let shown = err.lines().find(|it| it.contains(" 2 │ ")).unwrap();
            assert!(shown.contains(&format!("\"seed\": \"{letter}")), "{err}");
        }
    }
}
