//! `roomsim profiles`: which profiles there are, and what is wrong with profile files.

use roomsim::{
    report::{
        profile::{self, grades},
        text::count,
    },
    scenario::profile::{BuiltIn, Profile},
};

use super::{
    args, diagnostic,
    exit::{Exit, Trouble},
    input,
    output::Output,
};

pub(super) fn profiles(args: &args::Profiles, out: &mut Output) -> Result<Exit, Trouble> {
    match args {
        args::Profiles::List => list(out)?,
        args::Profiles::Show(args) => show(args, out)?,
        args::Profiles::Check(args) => check(args, out)?,
    }
    Ok(Exit::Held)
}

fn list(out: &mut Output) -> Result<(), Trouble> {
    let all: Vec<&Profile> = Profile::all().collect();
    out.print(&profile::list(&all, out.ink))
}

fn show(args: &args::Show, out: &mut Output) -> Result<(), Trouble> {
    let shown = Profile::named(&args.name).expect("no other name is taken for an argument");
    if args.json {
        return out.print(&format!("{:#}\n", profile::to_json(shown)));
    }
    out.print(&profile::show(shown, out.ink))
}

fn check(args: &args::CheckProfiles, out: &mut Output) -> Result<(), Trouble> {
    if args.files.is_empty() {
        return check_built_in(out);
    }
    for read in input::read_all(&args.files, |_, text| Ok(Profile::parse(text)?))? {
        out.print(&sound(&read.file, &read.what))?;
    }
    Ok(())
}

fn check_built_in(out: &mut Output) -> Result<(), Trouble> {
    let mut checked = Ok(());
    for BuiltIn { name, text, read } in BuiltIn::all() {
        match read {
            Ok(profile) => out.print(&sound(name, profile))?,
            Err(faults) => {
                diagnostic::complain(name, text.as_bytes(), faults);
                checked = Err(Trouble::Told(Exit::Usage));
            }
        }
    }
    checked
}

fn sound(file: &str, profile: &Profile) -> String {
    format!("{file}: {}, {}\n", count(profile.values().count(), "value"), grades(profile))
}
