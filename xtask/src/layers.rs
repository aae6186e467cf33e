//! Who may depend on whom.

use anyhow::{Context as _, Result, ensure};

use crate::project::Project;

/// Each crate, and the workspace crates it may name in `[dependencies]`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("pg-wire", &[]),
    ("pg-certs", &["pg-wire"]),
    ("pg-auth", &["pg-certs", "pg-wire"]),
    ("pg-tls", &["pg-certs", "pg-wire"]),
    (
        "heliosdb-server",
        &["pg-auth", "pg-certs", "pg-tls", "pg-wire"],
    ),
    ("xtask", &["pg-certs"]),
];

/// Crates that `pg-wire` without features must never reach, however deep.
const NO_IO: &[&str] = &["mio", "rustls", "socket2", "tokio"];

/// Fails with the first edge that points the wrong way.
pub(crate) fn check(project: &Project) -> Result<()> {
    for (name, allowed) in ALLOWED {
        let dependencies = tree(project, name, &["--all-features", "--depth", "1"])?;
        for dependency in dependencies {
            let ours = ALLOWED.iter().any(|(name, _)| *name == dependency);
            ensure!(
                !ours || allowed.contains(&dependency.as_str()),
                "{name} may not depend on {dependency}"
            );
        }
    }
    for dependency in tree(project, "pg-wire", &["--no-default-features"])? {
        ensure!(
            !NO_IO.contains(&dependency.as_str()),
            "pg-wire reaches {dependency} without its features"
        );
    }
    eprintln!("layers: every dependency points downwards");
    Ok(())
}

/// The names of a crate's dependencies, as deep as `args` allow.
fn tree(project: &Project, name: &str, args: &[&str]) -> Result<Vec<String>> {
    let mut all = vec!["--package", name, "--edges", "normal", "--prefix", "none"];
    all.extend_from_slice(args);
    let text = project
        .cargo("tree", &all)
        .quiet()
        .read()
        .with_context(|| format!("cargo tree of {name}"))?;
    let names = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::project::Project;

    #[test]
    fn every_dependency_points_downwards() {
        check(&Project::find().unwrap()).unwrap();
    }
}
