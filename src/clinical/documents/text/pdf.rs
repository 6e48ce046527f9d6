//! Words out of a PDF, page by page until there are enough. A page that can't be read is passed over.

use lopdf::Document;

use super::MOST;

/// What the content of a page may swell to.
const PAGE: usize = 32 << 20;

pub(super) fn text(content: &[u8]) -> Option<String> {
    let document = Document::load_mem(content).ok()?;
    let mut text = String::new();
    let mut read = false;
    for page in document.get_pages().into_keys() {
        if let Ok(words) = document.extract_text_with_limit(&[page], PAGE) {
            read = true;
            text.push_str(&words);
            text.push('\n');
        }
        if text.len() > MOST {
            break;
        }
    }
    read.then_some(text)
}
