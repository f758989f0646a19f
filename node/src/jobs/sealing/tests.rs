//! Passes over a registry in memory.

use super::{
    Tally,
    look::{BATCH, Batch, Goal, Place, look},
};
use crate::node::random;
use registry::{
    Actor, Outcome, Solo, SvTrid, SvTrids, Timestamp, Verb,
    authinfo::NewAuthInfo,
    contact::{self, ContactCreate, ContactData, Postal, PostalKind},
    domain::{DomainCreate, NameServers, SecDns},
    keys::{AuthInfoUnset, Fingerprint, KeyActivate, KeyPropose, KeyRetire, KeyRetired, Reseal},
    password,
    registrar::{self, Profile, RegistrarCreate},
    repository::RepositoryFound,
    seal::{Keys, SECRET},
    tables::{CONTACT, DOMAIN},
    tld::{DataModel, TldCreate},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use storage::{Read, View};

const START: i64 = 1_800_000_000_000;

struct Lab {
    solo: Solo,
    clock: Arc<AtomicI64>,
    trids: SvTrids,
    keys: Keys,
}

impl Lab {
    /// Founded, with both zones, a registrar, epoch 1 in use; the keys of both epochs are held.
    fn new() -> Lab {
        let clock = Arc::new(AtomicI64::new(START));
        let read = clock.clone();
        let solo = Solo::memory(Arc::new(move || Timestamp(read.load(Ordering::Relaxed))));
        let keys = Keys::new(&BTreeMap::from([(1, [1; SECRET]), (2, [2; SECRET])]));
        keys.seal_with(1).unwrap();
        let lab = Lab { solo, clock, trids: SvTrids::new(1, 7), keys };
        lab.run(Verb::RepositoryFound(RepositoryFound {
            name: "main".into(),
            roid_suffix: "TEST".into(),
            documentation_addresses: true,
        }));
        for (name, model) in [("test", DataModel::Maximum), ("example", DataModel::Minimum)] {
            let (name, contacts_required, roid_suffix) = (name.into(), Vec::new(), "TEST".into());
            lab.run(Verb::TldCreate(Box::new(TldCreate { name, model, contacts_required, roid_suffix })));
        }
        lab.activate(1);
        let password =
            password::seal(&lab.keys, "main", "alpha", ([1; 16], random()), "alpha-secret").unwrap();
        let profile = Profile { name: "Alpha".into(), ..Profile::default() };
        let (certificate, sessions_max) = (None, 100);
        let create = RegistrarCreate { handle: "Alpha".into(), profile, password, certificate, sessions_max };
        lab.run(Verb::RegistrarCreate(Box::new(create)));
        lab
    }

    fn trid(&self) -> SvTrid {
        self.trids.next()
    }

    fn run(&self, verb: Verb) {
        let shown = format!("{verb:?}");
        let outcome = self.solo.run(verb, Actor::Operator("test".into()), self.trid()).unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{shown}: {outcome:?}");
    }

    fn activate(&self, epoch: u32) {
        let fingerprint = Fingerprint([u8::try_from(epoch).unwrap(); 8]);
        self.run(Verb::KeyPropose(KeyPropose { epoch, fingerprint }));
        self.run(Verb::KeyActivate(KeyActivate { epoch, fingerprint }));
    }

    fn authinfo(&self) -> NewAuthInfo {
        NewAuthInfo::make(&self.keys, random(), "2fooBAR").unwrap()
    }

    fn contact(&self, handle: &str) {
        let data = person();
        let sealed = contact::seal(&self.keys, "main", handle, random(), &data).unwrap();
        let mut create = ContactCreate::new(handle.into(), &data, sealed, self.authinfo());
        create.sponsor = Some("alpha".into());
        self.run(Verb::ContactCreate(Box::new(create)));
    }

    fn domain(&self, name: &str) {
        self.run(Verb::DomainCreate(Box::new(DomainCreate {
            name: name.into(),
            period: None,
            name_servers: NameServers::Objects(Vec::new()),
            registrant: None,
            contacts: Vec::new(),
            authinfo: self.authinfo(),
            secdns: SecDns::default(),
            sponsor: Some("alpha".into()),
        })));
    }

    fn view(&self) -> View {
        self.solo.store().view()
    }

    /// A whole pass; how much it changed, and what was stuck.
    fn pass(&self, goal: &Goal) -> Tally {
        let mut tally = Tally::default();
        let mut place = Some(Place::Contacts { after: None });
        while let Some(at) = place {
            let batch = look(&self.view(), (&self.keys, "main"), goal, at).unwrap();
            assert!(batch.objects() <= BATCH + 1);
            tally.changed += batch.objects();
            tally.stuck += batch.stuck;
            let Batch { contacts, passwords, unset, next, .. } = batch;
            self.run(Verb::Reseal(Box::new(Reseal { epoch: goal.current, contacts, passwords })));
            for (epoch, (domains, contacts)) in unset {
                self.run(Verb::AuthInfoUnset(Box::new(AuthInfoUnset { epoch, domains, contacts })));
            }
            place = next;
        }
        tally
    }
}

fn person() -> ContactData {
    ContactData {
        postal: vec![Postal {
            kind: PostalKind::Int,
            name: "Jane Doe".into(),
            org: None,
            street: Vec::new(),
            city: "Malmoe".into(),
            state: None,
            postal_code: None,
            country: "SE".into(),
        }],
        voice: None,
        fax: None,
        email: "jane@example.com".into(),
        disclose: None,
    }
}

#[test]
fn after_a_rotation_everything_is_sealed_anew_in_batches() {
    let lab = Lab::new();
    for n in 0..BATCH + 20 {
        lab.contact(&format!("c-{n}"));
    }
    assert_eq!(Goal::of(&lab.view()).unwrap(), None, "one epoch: nothing to do");
    lab.activate(2);
    lab.keys.seal_with(2).unwrap();
    let goal = Goal::of(&lab.view()).unwrap().unwrap();
    assert_eq!((goal.current, goal.over.len()), (2, 0));
    assert_eq!(lab.pass(&goal), Tally { changed: BATCH + 21, stuck: 0 });
    assert_eq!(lab.pass(&goal), Tally::default());
    let only_new = Keys::new(&BTreeMap::from([(2, [2; SECRET])]));
    let view = lab.view();
    for item in view.range(&CONTACT, ..) {
        let (_, found) = item.unwrap();
        assert_eq!(contact::open(&only_new, "main", &found.handle, &found.sealed).unwrap(), person());
    }
    let (_, alpha) = registrar::by_handle(&view, "alpha").unwrap().unwrap();
    assert!(password::verify(&only_new, "main", "alpha", &alpha.password, "alpha-secret").unwrap());
}

#[test]
fn at_the_end_of_an_epoch_its_authinfo_goes_everywhere_and_newer_stays() {
    let lab = Lab::new();
    lab.contact("old-1");
    for n in 0..BATCH + 5 {
        lab.domain(&format!("old-{n}.example"));
    }
    lab.activate(2);
    lab.keys.seal_with(2).unwrap();
    lab.domain("new.example");
    lab.run(Verb::KeyRetire(KeyRetire { epoch: 1, at: Timestamp(START + 1000) }));
    lab.clock.store(START + 2000, Ordering::Relaxed);
    lab.run(Verb::Beat);
    let goal = Goal::of(&lab.view()).unwrap().unwrap();
    assert_eq!(goal.over, [1]);
    // one contact and one password sealed anew; its authInfo and that of the domains unset
    assert_eq!(lab.pass(&goal), Tally { changed: 1 + 1 + 1 + BATCH + 5, stuck: 0 });
    assert_eq!(lab.pass(&goal), Tally::default());
    let left: Vec<_> = lab
        .view()
        .range(&DOMAIN, ..)
        .map(Result::unwrap)
        .filter(|(_, domain)| domain.authinfo.is_some())
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(left, ["new.example"]);
    lab.run(Verb::KeyRetired(KeyRetired { epoch: 1 }));
    assert_eq!(Goal::of(&lab.view()).unwrap(), None);
}

#[test]
fn what_does_not_open_is_counted_and_left() {
    let lab = Lab::new();
    lab.contact("lost-1");
    lab.activate(2);
    let without = Keys::new(&BTreeMap::from([(2, [2; SECRET])]));
    let goal = Goal::of(&lab.view()).unwrap().unwrap();
    let batch = look(&lab.view(), (&without, "main"), &goal, Place::Contacts { after: None }).unwrap();
    assert_eq!((batch.objects(), batch.stuck), (0, 1));
}
