//! The journal as its users see it: the contract that all backs keep, and what
//! a SQLite journal does where files, disks and processes fail.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod exported;
#[cfg(test)]
mod handles;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod places;
#[cfg(test)]
mod races;
#[cfg(test)]
mod roundtrip;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod versions;
