//! A mail as RFC 5322 and MIME have it.

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::Envelope;

/// The message. Its id is made of the mail's own, so that it stays the same in every attempt.
pub(super) fn message(envelope: &Envelope<'_>) -> anyhow::Result<Message> {
    let to = Mailbox::new(None, envelope.to.parse()?);
    let content = &envelope.content;
    let mut message = Message::builder()
        .from(envelope.from.clone())
        .to(to)
        .subject(content.subject.as_str())
        .message_id(Some(format!("<{}@{}>", envelope.id, envelope.from.email.domain())))
        .date_now()
        .multipart(MultiPart::alternative_plain_html(content.text.clone(), content.html.clone()))?;
    // RFC 3834 section 5: nobody's vacation notice answers this.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(message)
}
