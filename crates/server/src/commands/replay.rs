//! Loads the append-only file: its base, and then the commands of its other files.
//!
//! The commands run at the time 0, so that no key expires while they run. [`appending`](super::appending) says why.
//! The first sweep after the load removes the keys that have expired by then.

use super::command::keys_of;
use super::table::find_with_subcommand;
use crate::append_only::FileInfo;
use crate::args::{Args, OwnedArgs};
use crate::call::Call;
use crate::client::Client;
use crate::log::{notice, warning};
use crate::request::{QueryBuffer, RequestLimits};
use crate::snapshot;
use crate::socket::Socket;
use crate::spec::flags;
use crate::state::State;
use anyhow::{Context, Result, anyhow, bail};
use mio::net::UnixStream;
use rdb::LoadOptions;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Instant;

/// The maximum length of an argument, and of a string that a command creates, in bytes. Every appended command must
/// be loaded, even if `proto-max-bulk-len` is lower now. In C: `mustObeyClient`.
const BULK_LEN_MAX: usize = isize::MAX as usize;

/// Loads the append-only file when the server starts, and begins to append to it. In C: `loadAppendOnlyFiles`,
/// `aofOpenIfNeededOnServerStart`.
///
/// # Errors
/// Returns an error if a file is missing, cannot be read, or is not valid. An incomplete command at the end of the
/// last file is an error only if `aof-load-truncated` is `no`. Otherwise it is cut off.
pub(crate) fn start_append_only(state: &mut State) -> Result<()> {
    adopt_old_file(state)?;
    load(state)?;
    let is_new = state.append_only.open(&state.config)?.files().next().is_none();
    let base = if is_new { Some(save_base(state)?) } else { None };
    state.append_only.start(base).context("the append-only file cannot be opened")?;
    state.apply_options()?;
    Ok(())
}

/// Makes the file of a Redis before 7.0, which has no manifest, the base of the append-only file.
fn adopt_old_file(state: &mut State) -> Result<()> {
    let old = state.config.dir.join(&state.config.appendfilename);
    if !old.is_file() {
        return Ok(());
    }
    let manifest = state.append_only.open(&state.config)?.clone();
    let was_begun = match &manifest.base {
        Some(base) => {
            base.name == state.config.appendfilename
                && manifest.incrs.is_empty()
                && !state.append_only.path_of(base).exists()
        }
        None => manifest.incrs.is_empty(),
    };
    if was_begun {
        notice!("{} is now the base of the append-only file", old.display());
        state.append_only.adopt(&old).with_context(|| old.display().to_string())?;
    }
    Ok(())
}

/// Writes the first base. It has no keys, because nothing has been loaded.
fn save_base(state: &mut State) -> Result<FileInfo> {
    let base = state.append_only.next_base();
    let path = state.append_only.path_of(&base);
    let (options, dbs, now) = (state.config.write_options(), &state.dbs, state.now);
    snapshot::write(dbs, &path, &options, now).with_context(|| path.display().to_string())?;
    Ok(base)
}

/// Loads all files of the manifest into the databases, which must be empty.
pub(super) fn load(state: &mut State) -> Result<()> {
    let manifest = state.append_only.open(&state.config)?.clone();
    let (file, now, options) = (state.append_only.pause(), state.now, state.config.options);
    // As in Redis, no key is evicted during a load.
    state.config.options = options.maxmemory(0).proto_max_bulk_len(BULK_LEN_MAX);
    state.dbs.iter_mut().for_each(|db| db.keys.set_options(state.config.options));
    let last = manifest.files().next_back().cloned();
    let mut size = 0;
    let loaded = manifest.files().try_for_each(|info| {
        let path = state.append_only.path_of(info);
        let start = Instant::now();
        let is_base = manifest.base.as_ref() == Some(info);
        let bytes = load_file(state, &path, (is_base, last.as_ref() == Some(info)), now)
            .with_context(|| format!("the append-only file {} cannot be loaded", path.display()))?;
        size += bytes;
        let kind = if is_base { "base" } else { "incr" };
        notice!("DB loaded from {kind} file {}: {:.3} seconds", info.name, start.elapsed().as_secs_f64());
        Ok(())
    });
    (state.now, state.config.options) = (now, options);
    state.append_only.resume(file);
    state.append_only.current_size = size;
    state.stats.dirty = 0;
    state.apply_options()?;
    loaded
}

/// Loads one file, and returns its length without an incomplete command at its end.
fn load_file(state: &mut State, path: &Path, (is_base, is_last): (bool, bool), now: u64) -> Result<u64> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut magic = Vec::new();
    (&mut file).take(5).read_to_end(&mut magic)?;
    let mut offset = 0;
    if is_base && [&b"REDIS"[..], b"VALKE"].contains(&&*magic) {
        let mut options = LoadOptions::DEFAULT;
        options.checks_checksum = state.config.rdbchecksum;
        options.drops_expired = false;
        offset = snapshot::load(&mut state.dbs, path, options, now)?.bytes;
    }
    file.seek(SeekFrom::Start(offset))?;
    let whole = Replay::new(state, offset, now)?.run(&mut file)?;
    if whole < len {
        let cut = len - whole;
        if !is_last {
            bail!(
                "offset {whole}: the last command is incomplete, and the truncated file is not the last file"
            );
        }
        if !state.config.aof_load_truncated {
            bail!(
                "Unexpected end of file reading the append only file: offset {whole}: the last command is incomplete \
                 ({cut} bytes), and aof-load-truncated is no"
            );
        }
        warning!(
            "AOF loaded anyway because aof-load-truncated is enabled: {}: {cut} bytes of an incomplete command \
             are cut off at {whole}",
            path.display()
        );
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(whole)?;
        file.sync_all()?;
    }
    Ok(whole)
}

/// Returns the error for bytes that are not a command, or for a command that cannot run. `offset` is where they
/// begin in the file.
fn bad_format(offset: u64, reason: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("Bad file format reading the append only file: offset {offset}: {reason}")
}

/// Runs the commands of one file.
struct Replay<'s> {
    state: &'s mut State,
    /// The client that runs the commands. Its replies are discarded.
    client: Client,
    /// The commands since `MULTI`, which run when `EXEC` follows.
    queued: Option<Vec<OwnedArgs>>,
    /// The offset of the end of the last complete command or transaction.
    whole: u64,
    /// The present time, in milliseconds since 1970.
    now: u64,
}

impl<'s> Replay<'s> {
    fn new(state: &'s mut State, whole: u64, now: u64) -> Result<Self> {
        let (socket, _other_end) = UnixStream::pair()?;
        let client = Client::new(0, Socket::Unix(socket), String::new(), String::new(), now);
        state.now = 0;
        Ok(Self { state, client, queued: None, whole, now })
    }

    /// Runs the commands of a file, beginning at the file's position. Returns the offset of the end of the last
    /// complete command or transaction. In C: `loadSingleAppendOnlyFile`.
    fn run(mut self, file: &mut File) -> Result<u64> {
        let limits = RequestLimits { proto_max_bulk_len: BULK_LEN_MAX, is_authenticated: true };
        let mut query = QueryBuffer::default();
        let mut read = self.whole;
        loop {
            let has_some =
                query.find(limits).map_err(|error| bad_format(read - query.len() as u64, &error))?;
            if !has_some {
                query.compact();
                match query.read_from(file) {
                    Ok((0, _)) => return Ok(self.whole),
                    Ok((bytes, _)) => read += bytes as u64,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let mut at = read - query.len() as u64;
            while has_some && query.take() {
                self.command(query.args()).map_err(|error| bad_format(at, &error))?;
                at = read - query.len() as u64;
                if self.queued.is_none() {
                    self.whole = at;
                }
            }
        }
    }

    /// Queues or runs a command.
    fn command(&mut self, args: Args<'_>) -> Result<()> {
        let name = args.get(0).context("the command is empty")?;
        // Redis writes timestamps into the file as lines that begin with `#`.
        if name.starts_with(b"#") {
            return Ok(());
        }
        if name.eq_ignore_ascii_case(b"multi") {
            self.queued = Some(Vec::new());
        } else if name.eq_ignore_ascii_case(b"exec") {
            let queued = self.queued.take().context("EXEC without MULTI")?;
            queued.iter().try_for_each(|command| self.execute(command.as_args()))?;
        } else {
            match &mut self.queued {
                Some(queued) => queued.push(args.to_owned()),
                None => self.execute(args)?,
            }
        }
        Ok(())
    }

    fn execute(&mut self, args: Args<'_>) -> Result<()> {
        let name = || String::from_utf8_lossy(args.at(0)).into_owned();
        let Some(command) = find_with_subcommand(args).filter(|command| command.spec.takes(args.len()))
        else {
            bail!("the command {} is not known, or has the wrong number of arguments", name());
        };
        let spec = command.spec;
        if !spec.has(flags::WRITE) && spec.name != "select" {
            bail!("the command {} does not change keys", name());
        }
        let Self { state, client, now, .. } = self;
        let mark = client.reply.mark();
        let at = if is_relative(args) { *now } else { 0 };
        // With `is_in_exec`, no command blocks the client.
        let outcome = (spec.run)(&mut Call { state, client, args, now: at, is_in_exec: true });
        client.reply.truncate(mark);
        outcome.map_err(|error| anyhow!("{}: {}", name(), error.0))?;
        // The keys' access clocks use the present time, not the time 0.
        for place in keys_of(spec.keys, args).unwrap_or_default() {
            state.dbs[client.db].keys.touch(args.at(place), *now);
        }
        Ok(())
    }
}

/// Returns whether a command has an expiry relative to the present time. Neither Redis nor this server appends such a
/// command, but another program may have appended one. `RESTORE` with the expiry 0 sets no expiry.
fn is_relative(args: Args<'_>) -> bool {
    let is_named = |names: &[&str]| names.iter().any(|name| args.is(0, name));
    let has = |from: usize, words: &[&str]| {
        (from..args.len()).any(|index| words.iter().any(|word| args.is(index, word)))
    };
    is_named(&["expire", "pexpire", "setex", "psetex"])
        || args.is(0, "set") && has(3, &["EX", "PX"])
        || args.is(0, "getex") && has(2, &["EX", "PX"])
        || args.is(0, "restore") && args.get(2) != Some(b"0") && !has(4, &["ABSTTL"])
}
