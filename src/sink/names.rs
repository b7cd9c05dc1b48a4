//! Names in one cell or sentence.

/// Names with `;` between them, so many at most; of others, how many, as `+98`.  No name begins so,
/// and none has a `;`.
pub fn few<T: AsRef<str>>(mut names: impl Iterator<Item = T>, n_max: usize) -> String {
    let mut text = String::new();
    for (index, name) in names.by_ref().take(n_max).enumerate() {
        if index != 0 {
            text.push(';');
        }
        text.push_str(name.as_ref());
    }
    let n_more = names.count();
    if n_more == 0 { text } else { format!("{text};+{n_more}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_most_are_counted() {
        let of = |n_max| few(["", "b", "c"].into_iter(), n_max);
        assert_eq!(of(usize::MAX), ";b;c");
        assert_eq!(of(3), ";b;c");
        assert_eq!(of(2), ";b;+1");
        assert_eq!(of(1), ";+2");
        assert_eq!(few([""; 0].into_iter(), 2), "");
    }
}
