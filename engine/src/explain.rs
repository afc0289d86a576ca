//! A planned job in words: what is read where, what crosses which link, and at what price.
//!
//! In: a planned job and its session's topology. Out: text, JSON or Graphviz. Never runs anything.

mod touched;

use crate::describe::bytes;
use crate::error::{Error, Result};
use crate::place::Place;
use crate::session::{Planned, Session};
use crate::stages::Ask;
use serde_json::{Value, json};
use std::fmt::Write;
use xeng_kernels::{AxisChunks, Graph, Node, NodeId, Op};
use xeng_proto::wire::fragment_bytes;

/// A variable that a region reads.
struct Scan {
    dataset: String,
    variable: String,
    shape: Vec<usize>,
    /// Chunks that are read.
    chunks: usize,
    /// Chunks that there are.
    chunks_in_all: usize,
    /// Size of those that are read.
    decoded_bytes: u64,
}

/// For people.
///
/// # Errors
/// `Internal` for a plan that contradicts itself.
pub fn text(session: &Session, planned: &Planned) -> Result<String> {
    let mut out = String::new();
    let stages = &planned.stages;
    for (region, report) in &planned.read {
        let _ = writeln!(
            out,
            "region {region}  (while planning)\n  read      {} to tell the result's labels",
            bytes(report.account.read_bytes)
        );
    }
    for ask in &stages.asks {
        let name = &stages.regions[ask.region];
        let round = if stages.asks.iter().any(|a| a.round > 0) { format!("  (round {})", ask.round + 1) } else { String::new() };
        let _ = writeln!(out, "region {name}{round}");
        for scan in scans(planned, ask) {
            let _ = writeln!(
                out,
                "  reads     {}.{} {:?}: {}{}, {} decoded",
                scan.dataset,
                scan.variable,
                scan.shape,
                counted(scan.chunks, "chunk"),
                if scan.chunks == scan.chunks_in_all { String::new() } else { format!(" of {}", scan.chunks_in_all) },
                bytes(scan.decoded_bytes)
            );
        }
        for task in &ask.fragment.held {
            for &id in &task.nodes {
                let _ = writeln!(out, "  holds     {}", node_text(&ask.fragment.graph, id)?);
            }
        }
        for (index, (task, (_, plan))) in ask.fragment.answers.iter().zip(&ask.answers).enumerate() {
            if let Some(write) = ask.fragment.write_of(index) {
                for (array, &id) in write.arrays.iter().zip(&task.nodes) {
                    let node = node_text(&ask.fragment.graph, id)?;
                    let (uri, chunks) = (&write.target.uri, counted(plan.boxes(), "chunk"));
                    let _ = writeln!(out, "  writes    {array} of {uri}: {node}, {chunks} of {:?}", write.chunk);
                }
                continue;
            }
            for &id in &task.nodes {
                let _ = writeln!(out, "  answers   {}, {}", node_text(&ask.fragment.graph, id)?, counted(plan.units(), "work unit"));
            }
        }
        let _ = writeln!(
            out,
            "  sends     {} of results, for a fragment of {}{}",
            bytes(ask.answer_bytes(session.engines_in(name))),
            bytes(fragment_bytes(&ask.fragment) as u64),
            price(session, name, ask.answer_bytes(session.engines_in(name)))
        );
    }
    let at_home: Vec<String> = home_nodes(planned).into_iter().map(|id| node_text(&stages.graph, id)).collect::<Result<_>>()?;
    let _ = writeln!(out, "{}", if session.home() == "home" { "home".to_owned() } else { format!("home {}", session.home()) });
    let _ = writeln!(out, "  merges    {}", counted(stages.asks.iter().map(|a| a.sent().count()).sum(), "answer"));
    for line in at_home {
        let _ = writeln!(out, "  computes  {line}");
    }
    let all: u64 = stages.asks.iter().flat_map(|a| scans(planned, a)).map(|s| s.decoded_bytes).sum();
    let _ = writeln!(
        out,
        "over the WAN: at most {} before compression; pulling the data would be {} decoded",
        bytes(session.predicted_wan_bytes(stages)),
        bytes(all)
    );
    Ok(out)
}

/// The same for programs.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub fn json(session: &Session, planned: &Planned) -> Result<String> {
    let stages = &planned.stages;
    let asks: Vec<Value> = stages
        .asks
        .iter()
        .map(|ask| {
            let name = &stages.regions[ask.region];
            let scans: Vec<Value> = scans(planned, ask).into_iter().map(|s| json!({ "dataset": s.dataset, "variable": s.variable, "shape": s.shape, "chunks": s.chunks, "chunks_in_all": s.chunks_in_all, "decoded_bytes": s.decoded_bytes })).collect();
            let nodes = |tasks: &[&xeng_proto::Task]| tasks.iter().flat_map(|t| &t.nodes).map(|&id| node_text(&ask.fragment.graph, id)).collect::<Result<Vec<_>>>();
            let held: Vec<_> = ask.fragment.held.iter().collect();
            let sent: Vec<_> = ask.fragment.answers.iter().enumerate().filter(|(i, _)| ask.fragment.write_of(*i).is_none()).map(|(_, t)| t).collect();
            let writes = writes(ask)?;
            let usd = usd(session, name, ask.answer_bytes(session.engines_in(name)));
            Ok(json!({
                "region": name, "round": ask.round, "scans": scans, "holds": nodes(&held)?, "answers": nodes(&sent)?, "writes": writes,
                "units": ask.answers.iter().map(|(_, p)| p.units()).sum::<usize>(), "answer_bytes": ask.answer_bytes(session.engines_in(name)), "fragment_bytes": fragment_bytes(&ask.fragment), "usd": usd,
            }))
        })
        .collect::<Result<_>>()?;
    let home: Vec<String> = home_nodes(planned).into_iter().map(|id| node_text(&stages.graph, id)).collect::<Result<_>>()?;
    let whole =
        json!({ "asks": asks, "home": { "region": session.home(), "computes": home }, "wan_bytes": session.predicted_wan_bytes(stages) });
    serde_json::to_string_pretty(&whole).map(|s| s + "\n").map_err(|e| Error::internal(e.to_string()))
}

fn writes(ask: &Ask) -> Result<Vec<Value>> {
    let mut out = vec![];
    for write in &ask.fragment.writes {
        let task = write.task as usize;
        let (Some(task), Some((_, plan))) = (ask.fragment.answers.get(task), ask.answers.get(task)) else { continue };
        for (array, &id) in write.arrays.iter().zip(&task.nodes) {
            let node = node_text(&ask.fragment.graph, id)?;
            out.push(json!({ "uri": write.target.uri, "array": array, "node": node, "chunk": write.chunk, "chunks": plan.boxes() }));
        }
    }
    Ok(out)
}

/// For Graphviz: operators as boxes, one colour per place.
///
/// # Errors
/// `Internal` for a plan that contradicts itself.
pub fn dot(planned: &Planned) -> Result<String> {
    const COLOURS: [&str; 6] = ["#cfe8ff", "#ffe3c2", "#d8f2d0", "#f3d6ee", "#fff3b0", "#d9d9f3"];
    let stages = &planned.stages;
    let mut out = String::from("digraph plan {\n  rankdir=BT; node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n");
    let mut ids: Vec<&NodeId> = stages.placement.nodes.keys().collect();
    ids.sort();
    for id in ids {
        let (place, _) = stages.placement.nodes[id];
        let (colour, at) = match place {
            Place::Home => ("#ffffff", "home"),
            Place::Region(r) => (COLOURS[r % COLOURS.len()], stages.regions.get(r).map_or("", String::as_str)),
        };
        let label = node_text(&stages.graph, *id)?.replace('"', "'");
        let _ = writeln!(out, "  n{} [label=\"{label}\\n{at}\", fillcolor=\"{colour}\"];", id.0);
        for input in stages.graph.node(*id)?.op.inputs() {
            let _ = writeln!(out, "  n{} -> n{};", input.0, id.0);
        }
    }
    out.push_str("}\n");
    Ok(out)
}

fn scans(planned: &Planned, ask: &Ask) -> Vec<Scan> {
    let graph = &ask.fragment.graph;
    let roots = ask.fragment.held.iter().chain(&ask.fragment.answers).flat_map(|task| task.nodes.iter().copied());
    let boxes = touched::boxes(graph, roots).unwrap_or_default();
    ask.fragment
        .sources
        .iter()
        .enumerate()
        .filter_map(|(number, source)| {
            let used = ask.fragment.datasets.get(source.dataset as usize)?;
            let region = planned.stages.regions.get(ask.region)?;
            let dataset = planned.datasets.iter().find(|d| d.region == *region && d.description.spec == used.spec)?;
            let v = dataset.description.variables.get(&source.variable)?;
            let shape = v.shape();
            let read = touched::chunks(boxes.get(&u32::try_from(number).ok()?).map_or(&[], Vec::as_slice), &v.chunks);
            let chunks_in_all = v.chunks.iter().map(AxisChunks::count).fold(1usize, usize::saturating_mul);
            Some(Scan {
                dataset: dataset.alias.clone(),
                variable: source.variable.clone(),
                shape,
                chunks: read.chunks,
                chunks_in_all,
                decoded_bytes: read.cells.saturating_mul(v.decode.dtype.size() as u64),
            })
        })
        .collect()
}

/// `1 chunk`, `2 chunks`.
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The nodes that home computes itself, in order, constants left out.
fn home_nodes(planned: &Planned) -> Vec<NodeId> {
    let stages = &planned.stages;
    let at_home = |id: &NodeId| {
        stages.placement.nodes.get(id).is_some_and(|(place, _)| *place == Place::Home)
            && stages.graph.node(*id).is_ok_and(|n| !matches!(n.op, Op::Constant(_)))
    };
    stages.graph.ids().filter(at_home).collect()
}

fn node_text(graph: &Graph, id: NodeId) -> Result<String> {
    let node: &Node = graph.node(id)?;
    let dims: Vec<String> = node.dims.iter().map(|d| format!("{}: {}", d.name, d.len)).collect();
    let what = match &node.op {
        Op::Reduce { input, reduction, axes, groups } => {
            let input = graph.node(*input)?;
            let over: Vec<&str> = axes.iter().map(|&a| &*input.dims[a].name).collect();
            let name = format!("{reduction:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default().to_lowercase();
            match groups {
                Some(g) => format!(
                    "{name} by {}{}",
                    g.dim.name,
                    if over.is_empty() { String::new() } else { format!(" and over {}", over.join(", ")) }
                ),
                None => format!("{name} over {}", over.join(", ")),
            }
        }
        Op::Interp { input, axis, method, .. } => {
            format!("interpolate ({method:?}) along {}", graph.node(*input)?.dims[*axis].name).to_lowercase()
        }
        Op::Map { formula, .. } => format!("formula of {} steps", formula.steps().len()),
        other => other.name().to_owned(),
    };
    Ok(format!("{what} -> ({}) {}", dims.join(", "), node.dtype))
}

fn usd(session: &Session, region: &str, sent: u64) -> Option<f64> {
    session.topology().link(region, session.home()).and_then(|l| l.usd_per_gb).map(|p| p * sent as f64 / 1e9)
}

fn price(session: &Session, region: &str, sent: u64) -> String {
    usd(session, region, sent).map(|usd| format!(", {usd:.6} USD")).unwrap_or_default()
}
