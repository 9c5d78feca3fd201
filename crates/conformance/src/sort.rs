//! The command `SORT`, on the elements that the iterators of values yield.

use crate::{Reply, World, integer, text};
use robj::{ObjectType, Robj};
use values::{Element, SortError, SortOptions, sort};

pub(crate) fn run(world: &mut World, command: &[Vec<u8>]) -> Reply {
    match text(&command[0]) {
        "SORT" => {
            let sorted = world.keys.get(&command[1]).map(|object| sorted(object, &command[2..]));
            sorted.unwrap_or(Ok(Reply::Array(Vec::new()))).unwrap_or_else(Reply::error)
        }
        name => panic!("no command {name}"),
    }
}

fn sorted(object: &Robj, arguments: &[Vec<u8>]) -> Result<Reply, SortError> {
    let mut options = SortOptions::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut number = || integer(words.next().unwrap()).unwrap();
        match text(word) {
            "ALPHA" => options.alpha = true,
            "DESC" => options.desc = true,
            "LIMIT" => (options.offset, options.count) = (number(), number()),
            word => panic!("no option {word}"),
        }
    }
    let reply = |elements: &[Element<'_>]| {
        Reply::Array(elements.iter().map(|element| Reply::Bulk(element.text().to_vec())).collect())
    };
    Ok(match object.object_type() {
        ObjectType::List => {
            // An item of a compressed node owns a copy of its element, so the items must live as long as the
            // elements.
            let list = object.as_list().unwrap();
            let items: Vec<_> = list.iter().collect();
            reply(&sort(items.iter().map(|item| item.element()), &options)?)
        }
        ObjectType::Set => reply(&sort(object.as_set().unwrap().iter(), &options)?),
        ObjectType::ZSet => {
            reply(&sort(object.as_zset().unwrap().iter().map(|(member, _)| member), &options)?)
        }
        other => panic!("a {other} is not sorted"),
    })
}
