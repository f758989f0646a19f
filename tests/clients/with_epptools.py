#!/usr/bin/env python3
"""Registers a domain with epptools (PyPI) and reads everything back.

    with_epptools.py HOST PORT REGISTRAR PASSWORD CA_FILE NAME

epptools announces exactly what the greeting offers and refuses an answer with another clTRID. NAME is a label: contacts
NAME-r, NAME-a, NAME-t, hosts ns1 and ns2.NAME.invalid, domain NAME.test with a host of its own. Ends with 0 after the
line "passed", or with the first difference.
"""

import sys

from epptools import Client, CommandException, Config

DS = {"key_tag": 20326, "alg": 8, "digest_type": 2,
      "digest": "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"}


def same(want, have, what):
    if want != have:
        sys.exit(f"{what}: expected {want!r}, found {have!r}")
    print("ok", what)


def done(response, what, code=1000):
    same(code, response.code(), what)
    if not response.sv_trid():
        sys.exit(f"{what}: no svTRID")
    return response


def free(objects, name, want):
    found = done(objects.check([name]), f"check {name}")
    same(want, found.is_available(name), f"{name} is {'free' if want else 'taken'}")
    if not want and not found.unavailable_reason(name):
        sys.exit(f"check {name}: no reason")


def contacts(client, name, registrar):
    for role in "rat":
        handle = f"{name}-{role}"
        latin = {"type": "int", "name": f"Person {role}", "org": "Rost & Sons",
                 "street": ["1 Example Way", "Floor 2"], "city": "Turku", "sp": "Varsinais-Suomi", "pc": "20100",
                 "cc": "FI"}
        local = {"type": "loc", "name": "Åsa Öström", "org": "Œuvre <Ø>", "street": ["Gränd 1"], "city": "Åbo",
                 "sp": "", "pc": "20100", "cc": "FI"}
        email = f"{role}@{name}.invalid"
        free(client.contact, handle, True)
        created = client.contact.create(handle, postal_infos=[latin, local], voice="+358.21234567",
                                        fax="+358.21234568", email=email, auth_info="contact-Secret-9",
                                        disclose={"flag": False, "voice": True, "email": True})
        same(handle, done(created, f"create {handle}").object_name(), f"name of {handle}")
        free(client.contact, handle, False)
        read = done(client.contact.info(handle), f"info {handle}")
        for sent in (latin, local):
            want = {field: value for field, value in sent.items() if field != "type"}
            same(want, read.postal_info()[sent["type"]], f"{sent['type']} address of {handle}")
        same((email, "+358.21234567", "+358.21234568"), (read.email(), read.voice(), read.fax()),
             f"e-mail and numbers of {handle}")
        same({"flag": False, "elements": ["voice", "email"]}, read.disclose(), f"disclose of {handle}")
        same(registrar, read.sponsor(), f"sponsor of {handle}")


def hosts(client, external):
    for ns in external:
        free(client.host, ns, True)
        same(ns, done(client.host.create(ns), f"create {ns}").object_name(), f"name of {ns}")
        free(client.host, ns, False)
        same([], done(client.host.info(ns), f"info {ns}").host_addresses(), f"addresses of {ns}")


def domain(client, name, registrar, external):
    domain_name = f"{name}.test"
    free(client.domain, domain_name, True)
    wanted = dict(years=2, registrant=f"{name}-r", contacts={"admin": f"{name}-a", "tech": f"{name}-t"},
                  nameservers=external, auth_info="domain-Secret-9", sec_dns={"ds_data": [DS]})
    created = done(client.domain.create(domain_name, **wanted), f"create {domain_name}")
    free(client.domain, domain_name, False)
    read = done(client.domain.info(domain_name), f"info {domain_name}")
    same(domain_name, read.object_name(), f"name of {domain_name}")
    same(wanted["registrant"], read.registrant(), f"registrant of {domain_name}")
    same({"admin": [f"{name}-a"], "tech": [f"{name}-t"]}, read.contacts(), f"contacts of {domain_name}")
    same(external, sorted(read.nameservers()), f"name servers of {domain_name}")
    same([registrar, registrar], [read.sponsor(), read.created_by()], f"sponsor and creator of {domain_name}")
    same([created.created_date(), created.expiry_date()], [read.created_date(), read.expiry_date()],
         f"dates of {domain_name}")
    same(int(read.created_date()[:4]) + 2, int(read.expiry_date()[:4]), f"years of {domain_name}")
    same([{"keyTag": DS["key_tag"], "alg": DS["alg"], "digestType": DS["digest_type"], "digest": DS["digest"]}],
         read.ds_records(), f"DS data of {domain_name}")
    same(None, read.auth_info(), "the authInfo is never shown")
    try:
        client.domain.create(domain_name, **wanted)
        sys.exit(f"a second create of {domain_name} was accepted")
    except CommandException as refused:
        same(2302, refused.response.code(), f"a second create of {domain_name}")


def glue(client, name):
    ns = f"ns.{name}.test"
    done(client.host.create(ns, ["192.0.2.53", "2001:db8::53"]), f"create {ns}")
    read = done(client.host.info(ns), f"info {ns}")
    same([("v4", "192.0.2.53"), ("v6", "2001:db8::53")],
         sorted((a["version"], a["ip"]) for a in read.host_addresses()), f"addresses of {ns}")
    read = done(client.domain.info(f"{name}.test"), f"info {name}.test")
    same([ns], read.subordinate_hosts(), f"hosts of {name}.test")


def main(host, port, registrar, password, ca_file, name):
    client = Client(Config(host=host, port=int(port), clid=registrar, password=password, ca_file=ca_file))
    client.connect()
    done(client.login(), "login")
    if not client.hello().is_greeting():
        sys.exit("hello: no greeting")
    external = [f"ns1.{name}.invalid", f"ns2.{name}.invalid"]
    contacts(client, name, registrar)
    hosts(client, external)
    domain(client, name, registrar, external)
    glue(client, name)
    same(1300, client.poll.request().code(), "the message queue is empty")
    done(client.logout(), "logout", 1500)
    client.disconnect()
    print("passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
