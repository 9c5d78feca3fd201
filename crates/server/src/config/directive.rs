//! [`Directive`]: a setting with its name, as `CONFIG GET` and redis.conf have it.

use super::{Allowed, Appendfsync, CLASSES, ClientsLimit, Config, OutputLimit};
use crate::log::warning;
use crate::notify;
use keyspace::{Options, memory_amount};
use std::path::{Path, PathBuf};
use values::Element;

/// A setting that has a name.
#[derive(Clone, Copy)]
pub(crate) enum Directive {
    /// One of the server.
    Server(&'static Row),
    /// One of keyspaces.
    Keys(&'static str),
}

/// A setting of the server.
pub(crate) struct Row {
    name: &'static str,
    /// Whether it can change while the server runs.
    is_mutable: bool,
    /// Whether only the clients of `enable-protected-configs` can change it.
    is_protected: bool,
    /// Whether all words of a line are one argument of `CONFIG SET`.
    takes_one: bool,
    read: fn(&mut Config, &[&[u8]]) -> Result<(), String>,
    write: fn(&Config) -> String,
}

const fn row(
    name: &'static str,
    is_mutable: bool,
    read: fn(&mut Config, &[&[u8]]) -> Result<(), String>,
    write: fn(&Config) -> String,
) -> Row {
    Row { name, is_mutable, is_protected: false, takes_one: true, read, write }
}

const fn list(
    name: &'static str,
    is_mutable: bool,
    read: fn(&mut Config, &[&[u8]]) -> Result<(), String>,
    write: fn(&Config) -> String,
) -> Row {
    Row { takes_one: false, ..row(name, is_mutable, read, write) }
}

const fn protected(row: Row) -> Row {
    Row { is_protected: true, ..row }
}

/// The only argument of a directive.
fn one<'a>(arguments: &[&'a [u8]]) -> Result<&'a [u8], String> {
    match arguments {
        [argument] => Ok(argument),
        _ => Err("wrong number of arguments".into()),
    }
}

fn text(arguments: &[&[u8]]) -> Result<String, String> {
    String::from_utf8(one(arguments)?.to_vec()).map_err(|_| "argument must be UTF-8".into())
}

fn yes_no(arguments: &[&[u8]]) -> Result<bool, String> {
    let argument = one(arguments)?;
    let is_yes = argument.eq_ignore_ascii_case(b"yes");
    if is_yes || argument.eq_ignore_ascii_case(b"no") {
        Ok(is_yes)
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn number<T: TryFrom<i64>>(arguments: &[&[u8]], min: i64, max: i64) -> Result<T, String> {
    let number = Element::Bytes(one(arguments)?).as_i64();
    let number = number.ok_or("argument couldn't be parsed into an integer")?;
    let in_range = (min..=max).contains(&number).then_some(number);
    let between = || format!("argument must be between {min} and {max} inclusive");
    in_range.and_then(|number| T::try_from(number).ok()).ok_or_else(between)
}

fn amount(argument: &[u8]) -> Result<usize, String> {
    let bytes = memory_amount(argument).ok_or("argument must be a memory value")?;
    usize::try_from(bytes).map_err(|_| "argument is too large".into())
}

fn allowed(arguments: &[&[u8]]) -> Result<Allowed, String> {
    Ok(match &*one(arguments)?.to_ascii_lowercase() {
        b"no" => Allowed::No,
        b"yes" => Allowed::Yes,
        b"local" => Allowed::Local,
        _ => return Err("argument(s) must be one of the following: no, yes, local".into()),
    })
}

fn format_allowed(allowed: Allowed) -> String {
    match allowed {
        Allowed::No => "no".into(),
        Allowed::Yes => "yes".into(),
        Allowed::Local => "local".into(),
    }
}

fn format_yes_no(is_yes: bool) -> String {
    if is_yes { "yes".into() } else { "no".into() }
}

#[rustfmt::skip] // one row, one directive
static ROWS: [Row; 39] = [
    row("port", false, |c, a| { c.port = number(a, 0, 65_535)?; Ok(()) }, |c| c.port.to_string()),
    list("bind", false, bind, |c| c.bind.join(" ")),
    row("tcp-backlog", false, |c, a| { c.tcp_backlog = number(a, 0, i32::MAX.into())?; Ok(()) }, |c| c.tcp_backlog.to_string()),
    row("tcp-keepalive", true, |c, a| { c.tcp_keepalive = number(a, 0, i32::MAX.into())?; Ok(()) }, |c| c.tcp_keepalive.to_string()),
    row("unixsocket", false, |c, a| { c.unixsocket = optional(&text(a)?); Ok(()) }, |c| shown(c.unixsocket.as_deref())),
    row("unixsocketperm", false, permissions, |c| format!("{:o}", c.unixsocketperm)),
    row("timeout", true, |c, a| { c.timeout = number(a, 0, i32::MAX.into())?; Ok(()) }, |c| c.timeout.to_string()),
    row("maxclients", true, |c, a| { c.maxclients = number(a, 1, i32::MAX.into())?; Ok(()) }, |c| c.maxclients.to_string()),
    row("databases", false, |c, a| { c.databases = number(a, 1, 1 << 20)?; Ok(()) }, |c| c.databases.to_string()),
    row("requirepass", true, |c, a| { c.requirepass = one(a)?.to_vec(); Ok(()) }, |c| String::from_utf8_lossy(&c.requirepass).into_owned()),
    row("protected-mode", true, |c, a| { c.protected_mode = yes_no(a)?; Ok(()) }, |c| format_yes_no(c.protected_mode)),
    protected(row("dir", true, dir, |c| std::path::absolute(&c.dir).unwrap_or_else(|_| c.dir.clone()).display().to_string())),
    protected(row("dbfilename", true, dbfilename, |c| c.dbfilename.clone())),
    row("enable-protected-configs", false, |c, a| { c.enable_protected_configs = allowed(a)?; Ok(()) }, |c| format_allowed(c.enable_protected_configs)),
    row("enable-debug-command", false, |c, a| { c.enable_debug_command = allowed(a)?; Ok(()) }, |c| format_allowed(c.enable_debug_command)),
    list("save", true, save, |c| c.save.iter().map(|(secs, changes)| format!("{secs} {changes}")).collect::<Vec<_>>().join(" ")),
    row("rdbcompression", true, |c, a| { c.rdbcompression = yes_no(a)?; Ok(()) }, |c| format_yes_no(c.rdbcompression)),
    row("rdbchecksum", false, |c, a| { c.rdbchecksum = yes_no(a)?; Ok(()) }, |c| format_yes_no(c.rdbchecksum)),
    row("stop-writes-on-bgsave-error", true, |c, a| { c.stop_writes_on_bgsave_error = yes_no(a)?; Ok(()) }, |c| format_yes_no(c.stop_writes_on_bgsave_error)),
    row("notify-keyspace-events", true, events, |c| notify::format(c.notify_keyspace_events)),
    row("slowlog-log-slower-than", true, |c, a| { c.slowlog_log_slower_than = number(a, -1, i64::MAX)?; Ok(()) }, |c| c.slowlog_log_slower_than.to_string()),
    row("slowlog-max-len", true, |c, a| { c.slowlog_max_len = number(a, 0, i64::MAX)?; Ok(()) }, |c| c.slowlog_max_len.to_string()),
    row("latency-monitor-threshold", true, |c, a| { c.latency_monitor_threshold = number(a, 0, i64::MAX)?; Ok(()) }, |c| c.latency_monitor_threshold.to_string()),
    row("latency-tracking", true, |c, a| { c.latency_tracking = yes_no(a)?; Ok(()) }, |c| format_yes_no(c.latency_tracking)),
    list("latency-tracking-info-percentiles", true, percentiles, |c| c.latency_percentiles.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")),
    row("maxmemory-clients", true, clients_limit, write_clients_limit),
    row("tracking-table-max-keys", true, |c, a| { c.tracking_table_max_keys = number(a, 0, i64::MAX)?; Ok(()) }, |c| c.tracking_table_max_keys.to_string()),
    row("client-query-buffer-limit", true, |c, a| { c.client_query_buffer_limit = amount(one(a)?)?.max(1 << 20); Ok(()) }, |c| c.client_query_buffer_limit.to_string()),
    list("client-output-buffer-limit", true, output_limits, write_output_limits),
    row("hz", true, |c, a| { c.hz = number::<u32>(a, 0, i32::MAX.into())?.clamp(1, 500); Ok(()) }, |c| c.hz.to_string()),
    row("logfile", false, |c, a| { c.logfile = text(a)?; Ok(()) }, |c| c.logfile.clone()),
    row("appendonly", true, |c, a| { c.appendonly = yes_no(a)?; Ok(()) }, |c| format_yes_no(c.appendonly)),
    row("appendfilename", false, |c, a| { c.appendfilename = file_name(a)?; Ok(()) }, |c| c.appendfilename.clone()),
    row("appenddirname", false, |c, a| { c.appenddirname = file_name(a)?; Ok(()) }, |c| c.appenddirname.clone()),
    row("appendfsync", true, appendfsync, write_appendfsync),
    row("auto-aof-rewrite-percentage", true, |c, a| { c.auto_aof_rewrite_percentage = number(a, 0, i32::MAX.into())?; Ok(()) }, |c| c.auto_aof_rewrite_percentage.to_string()),
    row("auto-aof-rewrite-min-size", true, |c, a| { c.auto_aof_rewrite_min_size = amount(one(a)?)?; Ok(()) }, |c| c.auto_aof_rewrite_min_size.to_string()),
    row("aof-load-truncated", true, |c, a| { c.aof_load_truncated = yes_no(a)?; Ok(()) }, |c| format_yes_no(c.aof_load_truncated)),
    row("aof-use-rdb-preamble", true, aof_use_rdb_preamble, |_| "yes".into()),
];

fn optional(path: &str) -> Option<PathBuf> {
    (!path.is_empty()).then(|| path.into())
}

fn shown(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

fn bind(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let address =
        |text: &&[u8]| String::from_utf8(text.to_vec()).map_err(|_| "argument must be UTF-8".into());
    config.bind = arguments.iter().map(address).collect::<Result<_, String>>()?;
    Ok(())
}

fn permissions(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let mode = u32::from_str_radix(&text(arguments)?, 8).ok().filter(|mode| *mode <= 0o777);
    config.unixsocketperm = mode.ok_or("argument must be an octal number up to 777")?;
    Ok(())
}

fn dir(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let path = PathBuf::from(text(arguments)?);
    if !path.is_dir() {
        return Err("No such file or directory".into());
    }
    config.dir = std::path::absolute(&path).map_err(|error| error.to_string())?;
    Ok(())
}

fn dbfilename(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let name = text(arguments)?;
    if name.contains('/') {
        return Err("dbfilename can't be a path, just a filename".into());
    }
    config.dbfilename = name;
    Ok(())
}

fn save(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    if let [b""] | [] = arguments {
        config.save.clear();
        return Ok(());
    }
    let mut points = Vec::new();
    if !arguments.len().is_multiple_of(2) {
        return Err("Invalid save parameters".into());
    }
    for pair in arguments.chunks(2) {
        let invalid = |_| String::from("Invalid save parameters");
        let secs = number(&pair[..1], 1, i64::MAX).map_err(invalid)?;
        points.push((secs, number(&pair[1..], 0, i64::MAX).map_err(invalid)?));
    }
    config.save = points;
    Ok(())
}

fn events(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let classes = notify::parse(one(arguments)?);
    config.notify_keyspace_events = classes.ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
    Ok(())
}

fn percentiles(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let percentage = |text: &&[u8]| {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        let in_range = number.filter(|number| (0.0..=100.0).contains(number));
        in_range.ok_or("latency-tracking-info-percentiles should contain valid percentages")
    };
    // An empty line turns the percentages off.
    let arguments = arguments.iter().filter(|text| !text.is_empty());
    config.latency_percentiles = arguments.map(percentage).collect::<Result<_, _>>()?;
    Ok(())
}

fn clients_limit(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let argument = one(arguments)?;
    config.maxmemory_clients = match argument.strip_suffix(b"%") {
        None => ClientsLimit::Bytes(amount(argument)?),
        Some(percent) => {
            let percent = Element::Bytes(percent).as_i64().filter(|percent| (0..=100).contains(percent));
            let percent = percent.and_then(|percent| usize::try_from(percent).ok());
            ClientsLimit::Percent(percent.ok_or("percentage argument must be less or equal to 100%")?)
        }
    };
    Ok(())
}

fn write_clients_limit(config: &Config) -> String {
    match config.maxmemory_clients {
        ClientsLimit::Bytes(bytes) => bytes.to_string(),
        ClientsLimit::Percent(percent) => format!("{percent}%"),
    }
}

fn output_limits(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    if arguments.is_empty() || !arguments.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    for limit in arguments.chunks(4) {
        let class = CLASSES.iter().position(|class| limit[0].eq_ignore_ascii_case(class.as_bytes()));
        let class = class.or_else(|| limit[0].eq_ignore_ascii_case(b"replica").then_some(1));
        let class = class.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let wrong =
            |_| String::from("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
        config.client_output_buffer_limit[class] = OutputLimit {
            hard: amount(limit[1]).map_err(wrong)?,
            soft: amount(limit[2]).map_err(wrong)?,
            soft_secs: number(&limit[3..], 0, i64::MAX).map_err(wrong)?,
        };
    }
    Ok(())
}

fn write_output_limits(config: &Config) -> String {
    let limits = CLASSES.iter().zip(&config.client_output_buffer_limit);
    let line = |(class, limit): (&&str, &OutputLimit)| {
        format!("{class} {} {} {}", limit.hard, limit.soft, limit.soft_secs)
    };
    limits.map(line).collect::<Vec<_>>().join(" ")
}

fn file_name(arguments: &[&[u8]]) -> Result<String, String> {
    let name = text(arguments)?;
    match name.contains('/') || name.is_empty() {
        true => Err("argument can't be a path or empty, just a name".into()),
        false => Ok(name),
    }
}

const APPENDFSYNC: [(&str, Appendfsync); 3] =
    [("always", Appendfsync::Always), ("everysec", Appendfsync::Everysec), ("no", Appendfsync::No)];

fn appendfsync(config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    let argument = one(arguments)?;
    let found = APPENDFSYNC.iter().find(|(name, _)| argument.eq_ignore_ascii_case(name.as_bytes()));
    let (_, policy) = found.ok_or("argument(s) must be one of the following: everysec, always, no")?;
    config.appendfsync = *policy;
    Ok(())
}

fn write_appendfsync(config: &Config) -> String {
    let found = APPENDFSYNC.iter().find(|(_, policy)| *policy == config.appendfsync);
    found.map(|(name, _)| (*name).to_owned()).unwrap_or_default()
}

/// The base is always a snapshot. A redis.conf that asks for commands instead is read, because both load the same
/// keys.
fn aof_use_rdb_preamble(_config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
    if !yes_no(arguments)? {
        warning!("aof-use-rdb-preamble stays 'yes': the base of the append-only file is always an RDB file");
    }
    Ok(())
}

/// Returns all directives.
pub(crate) fn all() -> impl Iterator<Item = Directive> {
    let of_keys = Options::directive_names().map(Directive::Keys);
    ROWS.iter().map(Directive::Server).chain(of_keys)
}

/// Returns the names of all directives.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(Directive::name)
}

impl Directive {
    /// Returns the directive with this name, in upper or lower case.
    pub(crate) fn find(name: &[u8]) -> Option<Self> {
        let row = ROWS.iter().find(|row| row.name.as_bytes().eq_ignore_ascii_case(name));
        row.map(Self::Server).or_else(|| Options::directive_name(name).map(Self::Keys))
    }

    /// Returns the name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server(row) => row.name,
            Self::Keys(name) => name,
        }
    }

    /// Returns whether the setting can change while the server runs.
    pub(crate) fn is_mutable(self) -> bool {
        match self {
            Self::Server(row) => row.is_mutable,
            Self::Keys(_) => true,
        }
    }

    /// Returns whether only the clients of `enable-protected-configs` can change the setting.
    pub(crate) fn is_protected(self) -> bool {
        matches!(self, Self::Server(row) if row.is_protected)
    }

    /// Returns whether the value is a secret that is not logged.
    pub(crate) fn is_secret(self) -> bool {
        self.name() == "requirepass"
    }

    /// Returns whether it has one argument. If not, `CONFIG SET` has all words in one argument.
    pub(crate) fn takes_one(self) -> bool {
        match self {
            Self::Server(row) => row.takes_one,
            Self::Keys(_) => true,
        }
    }

    /// Changes the setting.
    ///
    /// # Errors
    /// What is wrong with the arguments. The setting may then have changed in part.
    pub(crate) fn read(self, config: &mut Config, arguments: &[&[u8]]) -> Result<(), String> {
        match self {
            Self::Server(row) => (row.read)(config, arguments),
            Self::Keys(name) => {
                config
                    .options
                    .set_directive(name.as_bytes(), arguments)
                    .map_err(|error| error.to_string())?;
                Ok(())
            }
        }
    }

    /// Returns the present value, as `CONFIG GET` answers it.
    pub(crate) fn write(self, config: &Config) -> String {
        match self {
            Self::Server(row) => (row.write)(config),
            Self::Keys(name) => config.options.directive_value(name.as_bytes()).unwrap_or_default(),
        }
    }

    /// Returns the line of redis.conf for the present value.
    pub(crate) fn line(self, config: &Config) -> String {
        let value = self.write(config);
        if self.takes_one() || value.is_empty() {
            let mut quoted = sds::Sds::new();
            quoted.push_repr(value.as_bytes());
            return format!("{} {}\n", self.name(), String::from_utf8_lossy(&quoted));
        }
        format!("{} {value}\n", self.name())
    }
}
