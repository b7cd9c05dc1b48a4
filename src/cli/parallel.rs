//! Jobs side by side, results in order.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// So many jobs for each thread are done before their results are handed over.
const AHEAD: usize = 32;

/// Does jobs on several threads and hands over the results in the order of the jobs, as far as
/// there are any: the first that has none is the last.
///
/// Where there are fewer jobs than threads, each has all threads for itself.
pub(super) fn in_order<J: Sync, T: Send, E>(
    jobs: &[J],
    n_threads: NonZeroUsize,
    work: impl Fn(&J, NonZeroUsize) -> Option<T> + Sync,
    mut take: impl FnMut(&J, T) -> Result<(), E>,
) -> Result<(), E> {
    if jobs.len() < n_threads.get() || n_threads == NonZeroUsize::MIN {
        for job in jobs {
            let Some(result) = work(job, n_threads) else { break };
            take(job, result)?;
        }
        return Ok(());
    }
    for jobs in jobs.chunks(AHEAD * n_threads.get()) {
        for (job, result) in jobs.iter().zip(side_by_side(jobs, n_threads, &work)) {
            let Some(result) = result else { return Ok(()) };
            take(job, result)?;
        }
    }
    Ok(())
}

/// The results of jobs that have a thread each.
fn side_by_side<J: Sync, T: Send>(
    jobs: &[J],
    n_threads: NonZeroUsize,
    work: &(impl Fn(&J, NonZeroUsize) -> Option<T> + Sync),
) -> Vec<Option<T>> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<T>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..n_threads.get() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = work(job, NonZeroUsize::MIN);
                    *results[index].lock().expect("nobody else holds it") = result;
                }
            });
        }
    });
    results.into_iter().map(|it| it.into_inner().expect("nobody else holds it")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs_up_to_the_first_without() {
        let jobs: Vec<usize> = (0..1000).collect();
        for n_threads in [1, 3, 2000] {
            let n_threads = NonZeroUsize::new(n_threads).expect("it is more than none");
            let mut taken = Vec::new();
            let work = |job: &usize, _| (*job != 700).then_some(2 * job);
            let done = in_order(&jobs, n_threads, work, |job, result| {
                taken.push((*job, result));
                Ok::<(), ()>(())
            });
            assert_eq!(done, Ok(()));
            let expected: Vec<_> = (0..700).map(|it| (it, 2 * it)).collect();
            assert_eq!(taken, expected);
        }
    }
}
