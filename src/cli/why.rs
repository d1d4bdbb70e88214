//! `tidewatch why`: the reasons behind the numbers of a SKU-location or a supplier, in a terminal.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Map, Value};

use super::client::{Client, ClientError, Patience};

/// Show why the numbers of a SKU-location or supplier are what they are, and why what did not happen did not
///
/// Each number with its formula and what went into it: values, times, events. Computing the formula from what is shown
/// gives the number.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
tidewatch why [OPTIONS] <SKU> <LOCATION> [NUMBERS]...
       tidewatch why [OPTIONS] --supplier <SUPPLIER> [NUMBERS]...")]
#[command(after_help = "\
Examples:
  tidewatch why A-100 OSLO
  tidewatch why A-100 OSLO available safety_stock
  tidewatch why --supplier V-7 otif_share late_lines
  tidewatch why A-100 OSLO --json | jq .numbers.on_hand.inputs

Exit codes:
  0  shown
  1  there is no such SKU-location or supplier, or it has no such number
  2  it is not said which
  3  the server cannot be reached, or refuses")]
pub struct WhyArgs {
    /// The item and the location, unless a supplier is named; then the numbers to show, all of them without any
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// A supplier instead of a SKU-location
    #[arg(long)]
    supplier: Option<String>,
    /// Address of the tower
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// API key; a tower started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Inputs of one number that are printed; of more, how many there are.
const INPUTS_PRINTED_MAX: usize = 12;
const EXIT_USAGE: u8 = 2;
const EXIT_SERVER: u8 = 3;

impl WhyArgs {
    /// The path of what is asked about, and the numbers asked for; `None` if it is not said.
    fn question(&self) -> Option<(String, &[String])> {
        match (&self.supplier, &*self.words) {
            (Some(supplier), numbers) => {
                Some((format!("/api/v1/suppliers/{}/why", escaped(supplier)), numbers))
            }
            (None, [sku, location, numbers @ ..]) => {
                Some((format!("/api/v1/sku-locations/{}/{}/why", escaped(sku), escaped(location)), numbers))
            }
            (None, _) => None,
        }
    }
}

/// Asks and prints.
///
/// # Errors
/// None: what goes wrong is said on standard error.
pub async fn run(args: WhyArgs) -> miette::Result<ExitCode> {
    let Some((path, numbers)) = args.question() else {
        eprintln!("tidewatch why: name a SKU and a LOCATION, or a supplier with --supplier; see --help");
        return Ok(ExitCode::from(EXIT_USAGE));
    };
    let asked = ask(&args, &path).await;
    let answer: Value = match asked {
        Ok(answer) => answer,
        Err(ClientError::Refused { status, detail, .. }) if status.as_u16() == 404 => {
            eprintln!("tidewatch why: {detail}");
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => {
            eprintln!("tidewatch why: {error}");
            return Ok(ExitCode::from(EXIT_SERVER));
        }
    };
    let printed = if args.json {
        let (answer, all_there) = only(answer, numbers);
        writeln!(io::stdout(), "{answer}").map(|()| all_there)
    } else {
        print(&answer, numbers, &mut io::stdout().lock())
    };
    match printed {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        // Whoever stopped reading has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("tidewatch why: can't print: {error}");
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn ask(args: &WhyArgs, path: &str) -> Result<Value, ClientError> {
    let client = Client::new(&args.url, args.key.clone(), Patience::default())?;
    client.get_json(path).await
}

/// Percent-encodes all that is not unreserved (RFC 3986, section 2.3).
fn escaped(segment: &str) -> String {
    let mut escaped = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The answer with the numbers asked for alone, and whether they are all there.
fn only(mut answer: Value, wanted: &[String]) -> (Value, bool) {
    let Some(Value::Object(numbers)) = answer.get_mut("numbers") else { return (answer, wanted.is_empty()) };
    let missing = missing(numbers, wanted);
    if !wanted.is_empty() {
        numbers.retain(|name, _| wanted.contains(name));
    }
    (answer, !missing)
}

/// Says which numbers asked for are not there; whether there are any.
fn missing(numbers: &Map<String, Value>, wanted: &[String]) -> bool {
    let mut any = false;
    for name in wanted.iter().filter(|name| !numbers.contains_key(*name)) {
        let known: Vec<&String> = numbers.keys().collect();
        eprintln!("tidewatch why: there is no number `{name}`; there are {known:?}");
        any = true;
    }
    any
}

/// Whether every number asked for is there.
fn print(answer: &Value, wanted: &[String], out: &mut impl Write) -> io::Result<bool> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    let numbers = answer["numbers"].as_object().cloned().unwrap_or_default();
    let all_there = !missing(&numbers, wanted);
    let whose = match &answer["supplier"] {
        Value::Null => format!("{} at {}", text(&answer["sku"]), text(&answer["location"])),
        supplier => format!("supplier {}", text(supplier)),
    };
    writeln!(out, "{whose}, as of {}", text(&answer["as_of"]))?;
    for (name, number) in &numbers {
        if !wanted.is_empty() && !wanted.contains(name) {
            continue;
        }
        let value = if number["time"].is_null() { &number["value"] } else { &number["time"] };
        writeln!(out, "\n{name} = {} {}", text(value), text(&number["unit"]))?;
        writeln!(out, "    {}", text(&number["formula"]))?;
        let inputs = number["inputs"].as_array().cloned().unwrap_or_default();
        for input in inputs.iter().take(INPUTS_PRINTED_MAX) {
            let mut line = format!("    {} = {}", text(&input["name"]), text(&input["value"]));
            for (label, value) in [("of", &input["about"]), ("from", &input["from"]), ("at", &input["time"])]
            {
                if !value.is_null() && value != &input["name"] {
                    line.push_str(&format!("  {label} {}", text(value)));
                }
            }
            if let Some(event) = input["event"].as_object() {
                line.push_str(&format!(
                    "  ({} {}, record {})",
                    text(&event["type"]),
                    text(&event["id"]),
                    event["lsn"]
                ));
            }
            writeln!(out, "{line}")?;
        }
        if inputs.len() > INPUTS_PRINTED_MAX {
            writeln!(out, "    … and {} more (--json shows them)", inputs.len() - INPUTS_PRINTED_MAX)?;
        }
        if !number["because"].is_null() {
            writeln!(out, "    {}", text(&number["because"]))?;
        }
    }
    let absences = answer["absences"].as_array().cloned().unwrap_or_default();
    if wanted.is_empty() && !absences.is_empty() {
        writeln!(out, "\nWhat did not happen")?;
        for absence in &absences {
            writeln!(out, "    {}: {}", text(&absence["what"]), text(&absence["because"]))?;
        }
    }
    Ok(all_there)
}
