//! Dovecot's own statistics (`service stats { inet_listener http … }`, Dovecot 2.3.11 and later), which can be had where exporters
//! are. They are no source of what a server uses. The only event with CPU time is `mail_user_session_finished`: its `utime` and
//! `stime` are the growth of the mail process's own fields in `/proc/self/stat` from login to logout, in ticks of 10 ms, left out
//! where they are 0. So login, authentication and master processes are not in them, nor a session before it ends, nor, as
//! a rule, a short session that has a process of its own (Dovecot's default); where sessions share a process, each has all of its ticks.

/// Whether a page is Dovecot's. It is not parsed: 2.3.19 prints labels without a name where a metric with `group_by` follows one that
/// is a histogram.
pub(super) fn is_its_page(page: &str) -> bool {
    page.lines()
        .any(|line| line.starts_with("dovecot_build_info{"))
}
