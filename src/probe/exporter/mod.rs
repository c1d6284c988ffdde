//! A target elsewhere whose machine runs an exporter for Prometheus: `node_exporter`, process-exporter or cAdvisor. Its pages are
//! read over HTTP whenever a sample is due; an exporter counts at that moment. Dovecot's own statistics are known as such, and
//! passed over.

mod dovecot;
mod families;
mod text;

use std::time::Duration;

use self::families::EXPORTERS;
use self::text::{Sample, samples};
use super::connections::{Connections, Ports};
use super::usage::Usage;

/// A page that takes longer is no sample.
const LIMIT: Duration = Duration::from_secs(5);
/// A larger page is refused: `node_exporter`'s has about 100 KiB.
const LARGEST_PAGE: u64 = 16 << 20;

/// Where a target's exporters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exporters {
    /// Addresses of their pages, `http://mail.example.net:9100/metrics`.
    pub urls: Vec<String>,
    /// The group of processes (process-exporter) or the container (cAdvisor) that is the target; none: all of them.
    pub group: Option<String>,
}

/// Why an exporter tells nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExporterError {
    /// No answer, or an answer that is none.
    #[error("the metrics at {url} cannot be had: {reason}")]
    Unreachable {
        /// The page.
        url: String,
        /// What the connection says.
        reason: String,
    },
    /// Something else is there.
    #[error(
        "{url}, line {line}: this is no page of metrics in the text format of Prometheus; most exporters have theirs at /metrics"
    )]
    NotMetrics {
        /// The page.
        url: String,
        /// Where it is something else.
        line: usize,
    },
    /// None of the families that tell what a server uses.
    #[error(
        "{urls} tells no CPU time{}: mailgauge knows node_exporter, process-exporter and cAdvisor",
        group.as_ref().map_or_else(String::new, |group| format!(" of the group `{group}`"))
    )]
    NoCpu {
        /// The pages.
        urls: String,
        /// The group that was asked for.
        group: Option<String>,
    },
    /// Dovecot's own statistics, and nothing else.
    #[error(
        "{urls} is Dovecot's own statistics, which cannot tell what the server uses: CPU time is told of mail processes alone, once a \
         session has ended, in ticks of 10 ms, which short sessions in processes of their own rarely reach; name node_exporter, \
         process-exporter or cAdvisor on its machine (`metrics`), or an `agent` instead"
    )]
    DovecotAlone {
        /// The pages.
        urls: String,
    },
}

/// Reads exporters again and again.
#[derive(Debug)]
pub(super) struct ExporterMeter {
    exporters: Exporters,
    agent: ureq::Agent,
    ports: Ports,
    source: &'static str,
    /// CPU as it was told last: it never falls, whatever an exporter that forgot a group says.
    highest: (u64, u64),
    failed: bool,
    /// Dovecot's statistics were among the pages, which was said in the log.
    passed_over: bool,
}

impl ExporterMeter {
    pub(super) fn new(exporters: &Exporters, ports: Ports) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .proxy(None)
            .build();
        Self {
            exporters: exporters.clone(),
            agent: config.into(),
            ports,
            source: "exporter",
            highest: (0, 0),
            failed: false,
            passed_over: false,
        }
    }

    /// Which exporter told, once one has.
    pub(super) fn source(&self) -> &'static str {
        self.source
    }

    /// None: it did not tell this time, of which the first time is said in the log.
    pub(super) fn sample(&mut self) -> Option<Usage> {
        match self.read() {
            Ok(usage) => Some(usage),
            Err(error) => {
                if !std::mem::replace(&mut self.failed, true) {
                    tracing::warn!("a sample of the server is missing: {error}");
                }
                None
            }
        }
    }

    /// Reads all pages once.
    pub(super) fn read(&mut self) -> Result<Usage, ExporterError> {
        let pages: Vec<String> = self
            .exporters
            .urls
            .iter()
            .map(|url| self.page(url))
            .collect::<Result<_, _>>()?;
        let named = self.exporters.urls.iter().zip(&pages);
        let (of_dovecot, of_exporters): (Vec<_>, Vec<_>) =
            named.partition(|(_, page)| dovecot::is_its_page(page));
        let passed_over = of_dovecot.first().map(|(url, _)| (*url).clone());
        let mut all = Vec::new();
        for (url, page) in &of_exporters {
            let url = (*url).clone();
            all.extend(samples(page).map_err(|line| ExporterError::NotMetrics { url, line })?);
        }
        if of_exporters.is_empty() {
            let urls = self.exporters.urls.join(" and ");
            return Err(ExporterError::DovecotAlone { urls });
        }
        if let Some(url) = passed_over {
            self.pass_over(&url);
        }
        let mut usage = self.usage(&all)?;
        usage.connections = Connections::from_here(&self.ports);
        self.highest.0 = self.highest.0.max(usage.cpu_user_us);
        self.highest.1 = self.highest.1.max(usage.cpu_system_us);
        (usage.cpu_user_us, usage.cpu_system_us) = self.highest;
        Ok(usage)
    }

    /// Says once that Dovecot's statistics add nothing to what exporters tell.
    fn pass_over(&mut self, url: &str) {
        if !std::mem::replace(&mut self.passed_over, true) {
            tracing::warn!(
                "{url} is Dovecot's own statistics, which add nothing to what an exporter tells of the server"
            );
        }
    }

    fn page(&self, url: &str) -> Result<String, ExporterError> {
        let unreachable = |error: ureq::Error| ExporterError::Unreachable {
            url: url.to_owned(),
            reason: error.to_string(),
        };
        let mut response = self.agent.get(url).call().map_err(unreachable)?;
        let body = response.body_mut().with_config().limit(LARGEST_PAGE);
        body.read_to_string().map_err(unreachable)
    }

    /// By the exporter that tells most of the target alone; the network by whichever tells it.
    fn usage(&mut self, page: &[Sample<'_>]) -> Result<Usage, ExporterError> {
        let group = self.exporters.group.as_deref();
        let mut told = EXPORTERS
            .iter()
            .filter_map(|exporter| Some((exporter.source, exporter.read(page, group)?)));
        let Some((source, mut usage)) = told.next() else {
            return Err(ExporterError::NoCpu {
                urls: self.exporters.urls.join(" and "),
                group: self.exporters.group.clone(),
            });
        };
        self.source = source;
        for (_, other) in told {
            usage.network_rx_bytes = usage.network_rx_bytes.or(other.network_rx_bytes);
            usage.network_tx_bytes = usage.network_tx_bytes.or(other.network_tx_bytes);
        }
        Ok(usage)
    }
}

impl Exporters {
    /// Whether they tell what is wanted, now.
    ///
    /// # Errors
    /// A page cannot be had, is no page of metrics, or none tells the CPU time of the server.
    pub fn check(&self) -> Result<(), ExporterError> {
        ExporterMeter::new(self, Ports::default()).read().map(drop)
    }
}

#[cfg(test)]
mod tests;
