//! Resolves the programs of a job; what only data can tell is read on the way.
//!
//! In: programs and a scope. Out: values in one plan. Where a result's labels depend on data - which rows are kept - the engines are asked
//! for those few cells, and the programs are resolved again with them. Never asks for more than [`MOST_BYTES`] at once, nor more than [`MOST`]
//! times; engines may read much to answer.

use super::{Session, in_entry};
use crate::error::{Error, Result};
use crate::execute::{RegionReport, add_report, execute};
use crate::expr::Program;
use crate::lazy::{Plan, Value};
use crate::optimize::optimize;
use crate::resolve::{Scope, resolve};
use crate::stages::{Stages, cut_for};
use indexmap::IndexMap;
use std::collections::{BTreeMap, HashMap};
use xeng_kernels::{Block, NodeId};

/// Times that a job may ask for cells while it is planned.
const MOST: usize = 64;
/// Bytes of cells that are read at once while planning, at most.
const MOST_BYTES: usize = 16 << 20;

/// Programs in one plan.
pub(super) struct Resolved {
    /// The plan.
    pub(super) plan: Plan,
    /// The entries' values.
    pub(super) values: IndexMap<String, Value>,
    /// What must not be true, and why the request is refused where it is.
    pub(super) refused: Vec<(NodeId, Error)>,
    /// What reading on the way took, per region.
    pub(super) read: BTreeMap<String, RegionReport>,
    /// Bytes that this was predicted to send over the WAN.
    pub(super) wan_bytes: u64,
}

impl Session {
    pub(super) async fn resolved(&self, programs: &[(String, Program)], scope: &mut Scope, several: bool) -> Result<Resolved> {
        let mut cells: HashMap<NodeId, Block> = HashMap::new();
        let (mut read, mut wan_bytes) = (BTreeMap::new(), 0);
        for _ in 0..MOST {
            let mut plan = Plan::with_cells(cells.clone());
            scope.values.clear();
            let refused = all(programs, scope, &mut plan, several);
            if plan.unread().is_empty() {
                return Ok(Resolved { refused: refused?, values: scope.values.clone(), plan, read, wan_bytes });
            }
            cells.extend(plan.unread().iter().copied().zip(self.cells(&plan, &mut read, &mut wan_bytes).await?));
        }
        Err(Error::request(format!("the result's labels depend on data in more than {MOST} ways")).hint("name the labels that are wanted"))
    }

    /// The cells that the plan lacks.
    async fn cells(&self, plan: &Plan, read: &mut BTreeMap<String, RegionReport>, wan_bytes: &mut u64) -> Result<Vec<Block>> {
        let wanted = plan.unread();
        let bytes = wanted.iter().try_fold(0usize, |n, &id| plan.graph.node(id).map(|node| n.saturating_add(node.bytes())))?;
        if bytes > MOST_BYTES {
            let message = format!("{bytes} bytes would have to be read to tell the result's labels; the limit is {MOST_BYTES}");
            return Err(Error::budget(message).hint("select or reduce more first"));
        }
        let (graph, roots) = optimize(&plan.graph, wanted)?;
        let stages: Stages = cut_for(graph, roots, &plan.sources, vec![], self.gathered_bytes())?;
        self.check_stages(&stages, *wan_bytes)?;
        *wan_bytes = wan_bytes.saturating_add(self.predicted_wan_bytes(&stages));
        let done = execute(&stages, &self.engines, self.patience, &|_, _| {}).await.map_err(Error::from)?;
        for (region, report) in &done.regions {
            add_report(read.entry(region.clone()).or_default(), report);
        }
        Ok(done.blocks.iter().map(|b| Block::clone(b)).collect())
    }
}

fn all(programs: &[(String, Program)], scope: &mut Scope, plan: &mut Plan, several: bool) -> Result<Vec<(NodeId, Error)>> {
    let mut refused = vec![];
    for (name, program) in programs {
        let known = plan.refusals.len();
        let value = resolve(program, scope, plan).map_err(|e| in_entry(e, name, several))?;
        let found = plan.refusals.iter().skip(known);
        refused.extend(found.map(|(node, fault)| (*node, in_entry(fault.clone().in_text(&program.text), name, several))));
        scope.values.insert(name.clone(), value);
    }
    Ok(refused)
}
