//! A run that is killed at each of its events, and goes on in a fresh process.
//! Whatever the moment: each change is made once, nothing is lost, and what
//! stands in the cluster in the end is what an undisturbed run leaves.

#[cfg(test)]
mod case;
#[cfg(test)]
mod child;
#[cfg(test)]
mod every;
#[cfg(test)]
mod place;
#[cfg(test)]
mod two;
