//! Reading a shell command the way a POSIX shell does, just far enough to see
//! that it can not be read: quotes that never close, a `fi` without `if`.

/// The words of the command that a container runs with `sh -c`, if it does:
/// the script and what it is run by.
#[must_use]
pub fn script<'a>(command: &[&'a str], args: &[&'a str]) -> Option<&'a str> {
    let all: Vec<&str> = command.iter().chain(args).copied().collect();
    let shell = all.first()?.rsplit('/').next()?;
    if !matches!(shell, "sh" | "bash" | "ash" | "dash") {
        return None;
    }
    let flag = all.iter().position(|word| {
        word.starts_with('-') && word.ends_with('c') && word.chars().skip(1).all(|c| c.is_ascii_lowercase())
    })?;
    all.get(flag + 1).copied()
}

/// What is wrong with the syntax of a script. None where nothing was found,
/// which does not mean that there is nothing.
#[must_use]
pub fn fault(script: &str) -> Option<String> {
    if script.len() > 100_000 || script.contains("<<") {
        return None;
    }
    let words = match lex(script) {
        Ok(words) => words,
        Err(quote) => return Some(format!("a {quote} quote is opened and never closed")),
    };
    let mut open: Vec<&str> = Vec::new();
    let mut depth = 0_i32;
    let mut command_start = true;
    for word in &words {
        match word {
            Word::Operator(';') | Word::Operator('&') | Word::Operator('|') => command_start = true,
            Word::Operator('(') => {
                depth += 1;
                command_start = true;
            }
            Word::Operator(')') => {
                // Within `case` a closing one has no opening one.
                if depth == 0 && !open.contains(&"case") {
                    return Some("a `)` closes what nothing opened".to_owned());
                }
                depth = (depth - 1).max(0);
                command_start = open.contains(&"case");
            }
            Word::Operator(_) => {}
            Word::Text(text) => {
                if command_start {
                    let (opens, closes) = match text.as_str() {
                        "if" => (Some("if"), None),
                        "while" | "until" | "for" => (Some("do"), None),
                        "case" => (Some("case"), None),
                        "fi" => (None, Some("if")),
                        "done" => (None, Some("do")),
                        "esac" => (None, Some("case")),
                        _ => (None, None),
                    };
                    if let Some(opens) = opens {
                        open.push(opens);
                    }
                    if let Some(closes) = closes
                        && open.pop() != Some(closes)
                    {
                        return Some(format!("`{text}` ends what nothing began"));
                    }
                }
                command_start = command_start
                    && matches!(
                        text.as_str(),
                        "if" | "then" | "else" | "elif" | "do" | "while" | "until" | "!" | "{"
                    )
                    || matches!(text.as_str(), "then" | "do" | "else");
            }
        }
    }
    if let Some(open) = open.last() {
        let end = match *open {
            "if" => "fi",
            "do" => "done",
            _ => "esac",
        };
        return Some(format!("`{end}` is missing"));
    }
    (depth > 0).then(|| "a `(` is never closed".to_owned())
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    Text(String),
    Operator(char),
}

/// Splits into words and operators. The error names the quote left open.
fn lex(script: &str) -> Result<Vec<Word>, &'static str> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut in_word = false;
    let mut chars = script.chars().peekable();
    let flush = |word: &mut String, in_word: &mut bool, words: &mut Vec<Word>| {
        if *in_word {
            words.push(Word::Text(std::mem::take(word)));
            *in_word = false;
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
                word.push('_');
                in_word = true;
            }
            '\'' => {
                in_word = true;
                word.push('_');
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(_) => {}
                        None => return Err("single"),
                    }
                }
            }
            '"' => {
                in_word = true;
                word.push('_');
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => {
                            chars.next();
                        }
                        // `"$(echo "x")"`: the quotes within are their own.
                        Some('$') if chars.peek() == Some(&'(') => skip_substitution(&mut chars)?,
                        Some(_) => {}
                        None => return Err("double"),
                    }
                }
            }
            '`' => {
                in_word = true;
                word.push('_');
                loop {
                    match chars.next() {
                        Some('`') => break,
                        Some('\\') => {
                            chars.next();
                        }
                        Some(_) => {}
                        None => return Err("back"),
                    }
                }
            }
            '$' if chars.peek() == Some(&'(') => {
                in_word = true;
                word.push('_');
                skip_substitution(&mut chars)?;
            }
            '$' if chars.peek() == Some(&'{') => {
                in_word = true;
                word.push('_');
                let mut depth = 0;
                for inner in chars.by_ref() {
                    match inner {
                        '{' => depth += 1,
                        '}' => {
                            depth -= 1;
                            if depth == 0 {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
            '#' if !in_word => {
                while chars.peek().is_some_and(|next| *next != '\n') {
                    chars.next();
                }
            }
            '\n' => {
                flush(&mut word, &mut in_word, &mut words);
                words.push(Word::Operator(';'));
            }
            c if c.is_whitespace() => flush(&mut word, &mut in_word, &mut words),
            ';' | '&' | '|' | '(' | ')' => {
                flush(&mut word, &mut in_word, &mut words);
                words.push(Word::Operator(c));
            }
            c => {
                in_word = true;
                word.push(c);
            }
        }
    }
    flush(&mut word, &mut in_word, &mut words);
    Ok(words)
}

/// Skips `(…)` of a command substitution, quotes and all.
fn skip_substitution(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(), &'static str> {
    let mut depth = 0_u32;
    while let Some(c) = chars.next() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(());
                }
            }
            '\\' => {
                chars.next();
            }
            '\'' => {
                for inner in chars.by_ref() {
                    if inner == '\'' {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    Err("command substitution's")
}

/// Whether a `sh -c` script is broken in what it hands to an interpreter:
/// `python3 -c 'print('x'))'` reads as words without a fault of the shell's
/// own, and yet not as meant.
#[must_use]
pub fn nested_fault(script: &str) -> Option<String> {
    let marks = ["python -c ", "python3 -c ", "node -e ", "ruby -e ", "perl -e "];
    let mark = marks.iter().find(|mark| script.contains(*mark))?;
    let (_, rest) = script.split_once(mark)?;
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = rest.get(1..)?;
    let code = inner.get(..inner.find(quote)?)?;
    let open = code.matches(['(', '[', '{']).count();
    let close = code.matches([')', ']', '}']).count();
    (open != close).then(|| {
        format!(
            "the code for `{}` ends at the first inner quote, at `{}`",
            mark.trim(),
            crate::text::clean(code, 60)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_a_shell_would_report() {
        for (script, broken) in [
            ("python3 -c 'print('Starting'))'", true),
            ("wget -O - https://x 2>/dev/null; while true; do sleep 10;done; fi", true),
            ("echo 'never closed", true),
            ("echo \"never closed", true),
            ("if true; then echo a", true),
            ("while true; do sleep 1", true),
            ("(echo a", true),
            ("echo hello; sleep 3600", false),
            ("if [ -f /x ]; then echo 'a b'; else echo \"$(cat \"/y\")\"; fi", false),
            ("for i in 1 2 3; do echo $i; done", false),
            ("case $1 in a) echo a;; b) echo b;; esac", false),
            ("while true\ndo\n  date # it's a comment\n  sleep 1\ndone", false),
            ("echo it\\'s fine && exit 1", false),
            ("echo if this then that fi", false),
            ("cat <<EOF\nit's\nEOF", false),
            ("exit 1", false),
            ("echo ${X:-'a'} && nginx -g 'daemon off;'", false),
            ("until nc -z db 5432; do echo waiting; sleep 2; done; exec app", false),
        ] {
            let found = fault(script).or_else(|| nested_fault(script));
            assert_eq!(found.is_some(), broken, "{script}: {found:?}");
        }
        assert_eq!(script(&["/bin/sh", "-c"], &["echo"]), Some("echo"));
        assert_eq!(script(&["bash", "-ec", "x"], &[]), Some("x"));
        assert_eq!(script(&["nginx"], &["-c", "x"]), None);
    }
}
