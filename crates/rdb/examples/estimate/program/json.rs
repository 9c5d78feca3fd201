//! The report as JSON. All sizes are in bytes. The figures of a sample are scaled to all keys.

use super::figures::Figures;
use super::largest::{LargeKey, Largest};
use super::survey::Survey;
use super::text::{self, PREFIXES_MAX};
use serde_json::{Value, json};

/// Returns the whole report in one line.
pub(crate) fn report(survey: &Survey) -> String {
    let source = &survey.source;
    let totals = survey.totals();
    let types: Vec<Value> = (survey.types.iter())
        .map(|(form, figures)| {
            let mut row = figures_of(survey.scaled(figures));
            row["type"] = form.object_type.as_str().into();
            row["encoding_redis"] = form.redis.as_str().into();
            row["encoding_here"] = form.here.as_str().into();
            row
        })
        .collect();
    let prefixes: Vec<Value> = (survey.prefixes.largest(PREFIXES_MAX).iter())
        .map(|prefix| {
            let mut row = figures_of(survey.scaled(prefix.figures));
            row["prefix"] = text::name(&prefix.name).into();
            row["is_joined"] = prefix.is_joined.into();
            row
        })
        .collect();
    let advice: Vec<Value> = (survey.advice().iter())
        .map(|advice| {
            json!({
                "text": text::sentence(advice),
                "keys": advice.keys,
                "redis": advice.redis,
                "here": advice.here,
                "compressed_to": advice.ratio,
            })
        })
        .collect();
    let error =
        survey.error.as_ref().map(|error| json!({ "text": error.to_string(), "offset": error.offset() }));
    let report = json!({
        "version": source.version.number(),
        "server": source.server,
        "used_memory_of_server": source.used_memory,
        "file_bytes": source.len,
        "file_bytes_read": source.read,
        "is_complete": survey.error.is_none(),
        "error": error,
        "sample_one_of": survey.options.one_of,
        "keys": survey.keys(),
        "keys_loaded": survey.sampled(),
        "keys_unsupported": survey.unsupported.keys,
        "hashes_with_expiring_fields": survey.expiring_hashes,
        "redis_quantum": survey.options.quantum.bytes(),
        "allocator": zmalloc::ALLOCATOR,
        "total": { "redis": totals.redis(), "here": totals.here(), "coded": totals.coded() },
        "tables": { "redis": totals.redis_tables, "here": totals.here_tables },
        "types": types,
        "expiries": {
            "keys": survey.ttls.keys(),
            "spans": survey.ttls.spans().map(|(span, keys)| json!({ "left": span, "keys": keys })).collect::<Vec<_>>(),
        },
        "prefixes": prefixes,
        "no_prefix": figures_of(survey.scaled(survey.prefixes.none)),
        "other_prefixes": figures_of(survey.scaled(survey.prefixes.others)),
        "largest_here": large_keys(&survey.largest_here),
        "largest_redis": large_keys(&survey.largest_redis),
        "advice": advice,
    });
    format!("{report}\n")
}

fn figures_of(figures: Figures) -> Value {
    let Figures { keys, file, redis, here, coded } = figures;
    json!({ "keys": keys, "file": file, "redis": redis, "here": here, "coded": coded })
}

fn large_keys(largest: &Largest) -> Vec<Value> {
    let row = |key: &LargeKey| {
        json!({
            "key": text::name(&key.name),
            "key_len": key.name_len,
            "database": key.database,
            "type": key.form.object_type.as_str(),
            "encoding_redis": key.form.redis.as_str(),
            "encoding_here": key.form.here.as_str(),
            "len": key.len,
            "redis": key.redis,
            "here": key.here,
        })
    };
    largest.iter().map(row).collect()
}
