//! Which node is asked.

use crate::answer::Stop;
use admin::Client;
use clap::Args;
use cluster::{Credentials, layout};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(next_help_heading = "Which node to ask")]
pub struct Target {
    /// The directory that holds node-1, node-2 and so on: `data_dir` of cluster.toml
    #[arg(long, value_name = "DIR", default_value = "./data/dev", global = true)]
    data_dir: PathBuf,

    /// The node of this machine to ask, through its socket
    #[arg(long, value_name = "N", default_value_t = 1, global = true, conflicts_with = "endpoint")]
    node: u64,

    /// The node to ask over mutual TLS: its `admin` address, for example https://192.0.2.1:7091
    #[arg(long, value_name = "https://HOST:PORT", global = true)]
    endpoint: Option<String>,

    /// The directory with admin.crt, admin.key and ca.crt, for --endpoint [default: DATA_DIR/admin]
    #[arg(long, value_name = "DIR", global = true)]
    admin_cert_dir: Option<PathBuf>,
}

impl Target {
    /// The directory of the node of this machine, and the node's id: for what is done on files.
    pub fn directory(&self) -> Result<(PathBuf, u64), Stop> {
        match &self.endpoint {
            Some(_) => Err(Stop::Usage(
                "this works on the files of a node of this machine: use --data-dir and --node, not --endpoint".into(),
            )),
            None => Ok((layout::node_dir(&self.data_dir, self.node), self.node)),
        }
    }

    pub fn client(&self) -> Result<Client, Stop> {
        let Some(url) = &self.endpoint else {
            return Ok(Client::socket(&layout::admin_socket(&self.data_dir, self.node)));
        };
        self.remote(url, &self.data_dir)
    }

    /// Where a cluster is asked whose files lie in `data_dir`: at the endpoint that was named, else at every one of
    /// `nodes` that has a socket there.
    pub fn clients_at(&self, data_dir: &Path, nodes: impl Iterator<Item = u64>) -> Result<Vec<Client>, Stop> {
        if let Some(url) = &self.endpoint {
            return Ok(vec![self.remote(url, data_dir)?]);
        }
        let sockets = nodes.map(|id| layout::admin_socket(data_dir, id)).filter(|socket| socket.exists());
        Ok(sockets.map(|socket| Client::socket(&socket)).collect())
    }

    fn remote(&self, url: &str, data_dir: &Path) -> Result<Client, Stop> {
        let dir = self.admin_cert_dir.clone().unwrap_or_else(|| layout::admin_dir(data_dir));
        let [certificate, key, authority] =
            [layout::ADMIN_CERTIFICATE, layout::ADMIN_KEY, layout::CA_CERTIFICATE].map(|name| dir.join(name));
        let own = Credentials::load(&certificate, &key, &authority)
            .map_err(|e| Stop::Usage(format!("{e} (choose the directory with --admin-cert-dir)")))?;
        Client::https(url, &own).map_err(Stop::Usage)
    }
}
