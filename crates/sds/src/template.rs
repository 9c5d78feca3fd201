//! Expands text with names in braces.

use crate::Sds;
use crate::error::TemplateError;
use memchr::memchr;

/// Replaces every `{name}` in `template` with the value that `value_of` returns for the name. `{{` stands for
/// one brace. A closing brace outside of a name is text. Values are not expanded again. O(n). In C:
/// `sdstemplate`.
///
/// # Errors
///
/// Returns an error if a brace is never closed, if `value_of` returns `None` for a name, or if there is no
/// memory.
///
/// ```
/// use sds::{TemplateError, template};
/// let title = |name: &[u8]| match name {
///     b"port" => Some("6379"),
///     _ => None,
/// };
/// assert_eq!(template(b"redis *:{port} {{x}", title)?, "redis *:6379 {x}");
/// assert_eq!(template(b"no {such}", title), Err(TemplateError::UnknownName { offset: 3 }));
/// # Ok::<(), TemplateError>(())
/// ```
pub fn template<V: AsRef<[u8]>>(
    template: &[u8],
    mut value_of: impl FnMut(&[u8]) -> Option<V>,
) -> Result<Sds, TemplateError> {
    let mut expanded = Sds::try_with_capacity(template.len())?;
    let mut at = 0;
    while let Some(plain) = memchr(b'{', &template[at..]) {
        let offset = at + plain;
        expanded.try_push_bytes(&template[at..offset])?;
        let inside = &template[offset + 1..];
        if inside.starts_with(b"{") {
            expanded.try_push(b'{')?;
            at = offset + 2;
            continue;
        }
        let name_len = memchr(b'}', inside).ok_or(TemplateError::UnclosedBrace { offset })?;
        let value = value_of(&inside[..name_len]).ok_or(TemplateError::UnknownName { offset })?;
        expanded.try_push_bytes(value.as_ref())?;
        at = offset + 1 + name_len + 1;
    }
    expanded.try_push_bytes(&template[at..])?;
    Ok(expanded)
}
