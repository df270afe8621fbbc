//! How a process is started, in each of the ways.

use std::io;

use super::{Phase, Process, State, Work};
use crate::process::current::{self, Ticket, current_process};
use crate::process::error::ProcessError;
use crate::process::start_method::{StartMethod, start_method};
use crate::sys::child::{Child, Request};
use crate::sys::{direct, exec, oversight, zygote};

impl Process {
    pub(super) fn launch(&self, state: &mut State) -> Result<Child, ProcessError> {
        let Phase::Made(work) = &mut state.phase else {
            return Err(ProcessError::AlreadyStarted);
        };
        // Of the ways to start a process, control has the one.
        let method = match oversight::is_overseen() {
            true => StartMethod::Fork,
            false => state.method.unwrap_or_else(start_method),
        };
        let authkey = current_process().authkey();
        let authkey = authkey.map_err(ProcessError::io("start"))?;
        let ticket = Ticket {
            identity: self.shared.identity.clone(),
            parent_name: current_process().name().to_owned(),
            default_method: start_method(),
            authkey: authkey.into(),
        };
        let ends_with_parent = state.daemon || state.dies_with_parent;
        let call = match (work, method) {
            (Work::Call(call), _) => call,
            (Work::Closure(closure), StartMethod::Fork) => {
                return Ok(direct::start(
                    &state.name,
                    &state.name,
                    state.daemon,
                    ends_with_parent,
                    || {
                        current::admit(ticket);
                        closure.take().map_or(1, |closure| closure())
                    },
                )?);
            }
            (Work::Closure(_), _) => return Err(ProcessError::ClosureNeedsFork),
        };
        let parcel = call.pack(&ticket)?;
        let fds = parcel.fds();
        let request = Request {
            entry: call.entry(),
            payload: &parcel.bytes,
            fds: &fds,
            daemon: state.daemon,
            ends_with_parent,
            name: &state.name,
        };
        let started: io::Result<Child> = match method {
            StartMethod::Zygote => zygote::start(&request),
            StartMethod::Spawn => exec::start(&request, call.function()),
            StartMethod::Fork => {
                let copies = fds
                    .iter()
                    .map(|fd| fd.try_clone_to_owned())
                    .collect::<io::Result<_>>();
                let copies = copies.map_err(ProcessError::io("start"))?;
                let title = match self.has_default_name(&state.name) {
                    true => {
                        let mut parts = call.function().rsplit("::");
                        let named = parts.find(|part| !part.starts_with('{'));
                        named.unwrap_or(&state.name)
                    }
                    false => &state.name,
                };
                Ok(direct::start(
                    &state.name,
                    title,
                    state.daemon,
                    ends_with_parent,
                    || (request.entry)(request.payload, copies),
                )?)
            }
        };
        let child = started.map_err(ProcessError::io("start"))?;
        drop(fds);
        parcel.delivered();
        Ok(child)
    }
}
