//! The commands `SORT` and `SORT_RO`.

use super::store::store;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::{integer, parse_weight};
use crate::spec::flags::{DENYOOM, MOVABLEKEYS, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use keyspace::ValueRef;
use std::cmp::Ordering;
use values::list::Side;
use values::{Element, Hash, List, OwnedElement, ReserveError, SortOptions, try_sort};

pub(super) const COMMANDS: &[Spec] = &[
    row("sort", -2, WRITE | DENYOOM | MOVABLEKEYS, Keys::FirstAndStore, sort)
        .doc("1.0.0", "Sorts the elements of a list, a set or a sorted set, and returns or stores them."),
    on_key("sort_ro", -2, READONLY | MOVABLEKEYS, sort_ro)
        .doc("7.0.0", "Returns the sorted elements of a list, a set or a sorted set."),
];

/// The arguments of `SORT`.
#[derive(Debug, Default)]
struct Request<'a> {
    options: SortOptions,
    by: Option<Pattern<'a>>,
    /// Whether the elements stay in the order of the collection: the pattern of `BY` names one key.
    is_unsorted: bool,
    get: Vec<Pattern<'a>>,
    store: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn parse(call: &Call<'a>, is_read_only: bool) -> Result<Self, CommandError> {
        let (args, mut request, mut index) = (call.args, Self::default(), 2);
        while index < args.len() {
            let value = args.get(index + 1);
            let mut values = 1;
            match (args.at(index).to_ascii_lowercase().as_slice(), value) {
                (b"asc", _) => (request.options.desc, values) = (false, 0),
                (b"desc", _) => (request.options.desc, values) = (true, 0),
                (b"alpha", _) => (request.options.alpha, values) = (true, 0),
                (b"limit", Some(offset)) => {
                    let count = args.get(index + 2).ok_or(CommandError::SYNTAX)?;
                    (request.options.offset, request.options.count) = (integer(offset)?, integer(count)?);
                    values = 2;
                }
                (b"store", Some(key)) if !is_read_only => request.store = Some(key),
                (b"by", Some(pattern)) => {
                    request.by = Some(Pattern::parse(pattern));
                    request.is_unsorted |= !pattern.contains(&b'*');
                }
                (b"get", Some(pattern)) => request.get.push(Pattern::parse(pattern)),
                _ => return Err(CommandError::SYNTAX),
            }
            index += 1 + values;
        }
        Ok(request)
    }

    /// Returns the part of `len` elements that `LIMIT` selects: its start and its end.
    fn part(&self, len: usize) -> (usize, usize) {
        let start = usize::try_from(self.options.offset).unwrap_or(0).min(len);
        let count = usize::try_from(self.options.count).unwrap_or(len);
        (start, start.saturating_add(count).min(len))
    }
}

/// Where a value that belongs to an element is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// A text without `*`, which finds nothing.
    Nothing,
    /// A key, in which the element replaces `*`. If there is a field, the key has a hash.
    Key { before: &'a [u8], after: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    fn parse(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Self::Element;
        }
        let Some(star) = memchr::memchr(b'*', text) else { return Self::Nothing };
        let (before, after) = (&text[..star], &text[star + 1..]);
        match memchr::memmem::find(after, b"->") {
            Some(arrow) if arrow + 2 < after.len() => {
                Self::Key { before, after: &after[..arrow], field: Some(&after[arrow + 2..]) }
            }
            _ => Self::Key { before, after, field: None },
        }
    }

    /// Returns a copy of the value that belongs to an element, and counts the look-up. In C:
    /// `lookupKeyByPattern`.
    fn find(self, call: &mut Call<'_>, element: Element<'_>) -> Result<Option<OwnedElement>, ReserveError> {
        let (before, after, field) = match self {
            Self::Element => return OwnedElement::try_from(element).map(Some),
            Self::Nothing => return Ok(None),
            Self::Key { before, after, field } => (before, after, field),
        };
        let key = [before, &element.text(), after].concat();
        let (keys, now) = (call.keys(), call.now);
        let (is_found, value) = match field {
            None => match keys.get_string(&key, now) {
                Ok(string) => (string.is_some(), string.map(|string| string.try_to_owned()).transpose()),
                Err(_) => (true, Ok(None)),
            },
            Some(field) => match keys.get_as::<Hash>(&key, now) {
                Ok(hash) => {
                    let value = hash.and_then(|hash| hash.get(field));
                    (hash.is_some(), value.map(OwnedElement::try_from).transpose())
                }
                Err(_) => (true, Ok(None)),
            },
        };
        call.count_read(&key, is_found);
        value
    }
}

/// Copies the elements of a collection. If they stay in order, only those that `LIMIT` selects.
fn collect(value: Option<ValueRef<'_>>, request: &Request<'_>) -> Result<Vec<OwnedElement>, CommandError> {
    let desc = request.options.desc;
    let mut elements = Vec::new();
    match value {
        None => {}
        Some(ValueRef::List(list)) => {
            let len = list.len();
            let (start, end) = if request.is_unsorted { request.part(len) } else { (0, len) };
            let is_reversed = desc && request.is_unsorted;
            let (first, last) = if is_reversed { (len - end, len - start) } else { (start, end) };
            if start < end {
                let mut range = list.range(first as i64, last as i64 - 1);
                let side = if is_reversed { Side::Back } else { Side::Front };
                while let Some(element) = range.next_element(side)? {
                    elements.push(element.try_into()?);
                }
            }
        }
        Some(ValueRef::Set(set)) => {
            let (start, end) = if request.is_unsorted { request.part(set.len()) } else { (0, set.len()) };
            for element in set.iter().skip(start).take(end - start) {
                elements.push(element.try_into()?);
            }
        }
        Some(ValueRef::ZSet(zset)) => {
            let len = zset.len();
            let (start, end) = if request.is_unsorted { request.part(len) } else { (0, len) };
            if desc && request.is_unsorted {
                for (element, _) in zset.range(len - end..len - start).rev() {
                    elements.push(element.try_into()?);
                }
            } else {
                for (element, _) in zset.range(start..end) {
                    elements.push(element.try_into()?);
                }
            }
        }
        Some(_) => return Err(CommandError::WRONG_TYPE),
    }
    Ok(elements)
}

/// The value that an element is sorted by.
#[derive(Debug)]
enum Weight {
    Number(f64),
    Text(Option<OwnedElement>),
}

impl Weight {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
            (Self::Text(one), Self::Text(other)) => {
                one.as_ref().map(OwnedElement::as_element).cmp(&other.as_ref().map(OwnedElement::as_element))
            }
            _ => Ordering::Equal,
        }
    }
}

/// Parses a weight.
fn number(text: &[u8]) -> Result<f64, CommandError> {
    parse_weight(text).ok_or(CommandError::new("ERR One or more scores can't be converted into double"))
}

/// Sorts elements by the values that a pattern finds, and returns the part that `LIMIT` selects.
fn sort_by<'e>(
    call: &mut Call<'_>,
    elements: &'e [OwnedElement],
    pattern: Pattern<'_>,
    request: &Request<'_>,
) -> Result<Vec<Element<'e>>, CommandError> {
    let SortOptions { alpha, desc, .. } = request.options;
    let mut weighed = Vec::new();
    for element in elements {
        let element = element.as_element();
        let value = pattern.find(call, element)?;
        let weight = match value {
            value if alpha => Weight::Text(value),
            None => Weight::Number(0.0),
            Some(value) => Weight::Number(number(&value.as_element().text())?),
        };
        weighed.push((weight, element));
    }
    weighed.sort_by(|(one, first), (other, second)| {
        let order = one.compare(other).then_with(|| if alpha { Ordering::Equal } else { first.cmp(second) });
        if desc { order.reverse() } else { order }
    });
    let (start, end) = request.part(weighed.len());
    Ok(weighed[start..end].iter().map(|(_, element)| *element).collect())
}

fn sort(call: &mut Call<'_>) -> Outcome {
    sort_and_write(call, false)
}

fn sort_ro(call: &mut Call<'_>) -> Outcome {
    sort_and_write(call, true)
}

fn sort_and_write(call: &mut Call<'_>, is_read_only: bool) -> Outcome {
    let (key, limits, now) = (call.args.at(1), call.limits(), call.now);
    let mut request = Request::parse(call, is_read_only)?;
    let value = call.keys().get(key, now);
    let is_found = value.is_some();
    if request.is_unsorted && request.store.is_some() && matches!(value, Some(ValueRef::Set(_))) {
        // A set has no order of its own that could be stored.
        (request.is_unsorted, request.by, request.options.alpha) = (false, None, true);
    }
    let elements = collect(value, &request);
    call.count_read(key, is_found);
    let elements = elements?;
    let sorted = match request.by {
        _ if request.is_unsorted => elements.iter().map(OwnedElement::as_element).collect(),
        Some(pattern) => sort_by(call, &elements, pattern, &request)?,
        None => try_sort(elements.iter().map(OwnedElement::as_element), &request.options)?.to_vec(),
    };
    let len = sorted.len().saturating_mul(request.get.len().max(1));
    if let Some(target) = request.store {
        let mut list = List::new();
        for element in sorted {
            if request.get.is_empty() {
                list.try_push(Side::Back, element, &limits)?;
            }
            for pattern in &request.get {
                let value = pattern.find(call, element)?;
                let value = value.as_ref().map_or(Element::Bytes(b""), OwnedElement::as_element);
                list.try_push(Side::Back, value, &limits)?;
            }
        }
        store(call, target, (list, len), (notify::LIST, "sortstore"), len)?;
        return append_stored(call, &request, target);
    }
    call.reply().array(len);
    for element in sorted {
        if request.get.is_empty() {
            call.reply().element(element);
        }
        for pattern in &request.get {
            match pattern.find(call, element)? {
                Some(value) => call.reply().element(value.as_element()),
                None => call.reply().null(),
            }
        }
        if call.reply().is_over_limit() {
            break;
        }
    }
    Ok(())
}

/// Lets the append-only file have the list that was stored, if the request has read keys that it does not name. One
/// of them may have expired by now, and the file would not say so.
fn append_stored(call: &mut Call<'_>, request: &Request<'_>, target: &[u8]) -> Outcome {
    let is_other = |pattern: &Pattern<'_>| matches!(pattern, Pattern::Key { .. });
    if !call.is_appended() || !request.by.iter().chain(&request.get).any(is_other) {
        return Ok(());
    }
    let stored = call.keys().get(target, call.now).map(|list| rdb::dump(list, rdb::DumpOptions::DEFAULT));
    match stored.transpose().map_err(|error| CommandError::of(format!("ERR {error}")))? {
        Some(payload) => call.append_instead(&[b"RESTORE", target, b"0", &payload, b"REPLACE"]),
        None => call.append_instead(&[b"DEL", target]),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_split_at_the_star_and_the_arrow() {
        let key = |before, after, field| Pattern::Key { before, after, field };
        let cases: [(&[u8], Pattern<'_>); 6] = [
            (b"#", Pattern::Element),
            (b"nosort", Pattern::Nothing),
            (b"w_*", key(b"w_", b"", None)),
            (b"w*_->f", key(b"w", b"_", Some(b"f"))),
            (b"w*->", key(b"w", b"->", None)),
            (b"a->b*", key(b"a->b", b"", None)),
        ];
        for (text, pattern) in cases {
            assert_eq!(Pattern::parse(text), pattern);
        }
    }
}
