//! What a run says of the wire, held against a second instrument.

mod alone;
