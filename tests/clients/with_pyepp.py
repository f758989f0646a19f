#!/usr/bin/env python3
"""Registers a domain with pyepp (PyPI) and reads everything back.

    SSL_CERT_FILE=CA_FILE with_pyepp.py HOST PORT REGISTRAR PASSWORD NAME

pyepp trusts what OpenSSL trusts by default, so the authority comes from the environment. NAME is a label: contacts
NAME-r, NAME-a, NAME-t, hosts ns1 and ns2.NAME.invalid, domain NAME.test with a host of its own. Ends with 0 after the
line "passed", or with the first difference.
"""

import sys

from pyepp import EppCommunicator, EppResultCode
from pyepp.contact import AddressData, Contact, ContactData, PostalInfoData
from pyepp.domain import Domain, DomainData
from pyepp.host import Host, HostData, IPAddressData

DS = {"key_tag": 20326, "algorithm": 8, "digest_type": 2,
      "digest": "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"}


def same(want, have, what):
    if want != have:
        sys.exit(f"{what}: expected {want!r}, found {have!r}")
    print("ok", what)


def done(result, what, code=EppResultCode.SUCCESS):
    """The result of a command that must have ended with this code."""
    if result.code != code.value:
        sys.exit(f"{what}: {result.code} {result.message} {result.reason or ''}")
    if not result.server_transaction_id:
        sys.exit(f"{what}: no svTRID")
    print("ok", what)
    return result


def free(objects, name, want):
    found = done(objects.check([name]), f"check {name}").result_data[name]
    same(want, found["avail"], f"{name} is {'free' if want else 'taken'}")
    if not want and not found["reason"]:
        sys.exit(f"check {name}: no reason")


def contacts(epp, name, registrar):
    objects = Contact(epp)
    for role in "rat":
        handle = f"{name}-{role}"
        address = AddressData(street_1="1 Example Way", street_2="Floor 2", city="Turku", province="Varsinais-Suomi",
                              postal_code="20100", country_code="FI")
        sent = ContactData(id=handle, email=f"{role}@{name}.invalid", phone="+358.21234567", fax="+358.21234568",
                           password="contact-Secret-9",
                           postal_info=PostalInfoData(name=f"Person {role}", organization="Rost and Sons",
                                                      address=address, type="int"))
        free(objects, handle, True)
        done(objects.create(sent), f"create {handle}")
        free(objects, handle, False)
        read = done(objects.info(handle), f"info {handle}").result_data
        for field in ("id", "email", "phone", "fax"):
            same(getattr(sent, field), getattr(read, field), f"{field} of {handle}")
        for field in ("name", "organization", "type"):
            same(getattr(sent.postal_info, field), getattr(read.postal_info, field), f"{field} of {handle}")
        for field in ("street_1", "street_2", "city", "province", "postal_code", "country_code"):
            same(getattr(address, field), getattr(read.postal_info.address, field), f"{field} of {handle}")
        same(registrar, read.sponsoring_client_id, f"sponsor of {handle}")


def hosts(epp, external):
    objects = Host(epp)
    for ns in external:
        free(objects, ns, True)
        done(objects.create(HostData(host_name=ns, address=[])), f"create {ns}")
        free(objects, ns, False)
        same(ns, done(objects.info(ns), f"info {ns}").result_data.host_name, f"name of {ns}")


def domain(epp, name, registrar, external):
    objects, domain_name = Domain(epp), f"{name}.test"
    sent = DomainData(domain_name=domain_name, period=2, registrant=f"{name}-r", admin=f"{name}-a", tech=f"{name}-t",
                      host=external, password="domain-Secret-9", dns_sec=[DS])
    free(objects, domain_name, True)
    done(objects.create(sent), f"create {domain_name}")
    free(objects, domain_name, False)
    read = done(objects.info(domain_name), f"info {domain_name}").result_data
    for field in ("domain_name", "registrant", "admin", "tech"):
        same(getattr(sent, field), getattr(read, field), f"{field} of {domain_name}")
    same(external, sorted(read.host), f"name servers of {domain_name}")
    same(registrar, read.sponsoring_client_id, f"sponsor of {domain_name}")
    same(registrar, read.create_client_id, f"creator of {domain_name}")
    same(int(read.create_date[:4]) + 2, int(read.expiry_date[:4]), f"years of {domain_name}")
    for field, value in DS.items():
        same(str(value), getattr(read.dns_sec[0], field), f"DS {field} of {domain_name}")
    same(None, read.password, "the authInfo is never shown")
    done(objects.create(sent), f"a second create of {domain_name}", EppResultCode.OBJECT_EXISTS)


def glue(epp, name):
    objects, ns = Host(epp), f"ns.{name}.test"
    addresses = [IPAddressData(address="192.0.2.53", ip="v4"), IPAddressData(address="2001:db8::53", ip="v6")]
    done(objects.create(HostData(host_name=ns, address=addresses)), f"create {ns}")
    read = done(objects.info(ns), f"info {ns}").result_data
    same(addresses, sorted(read.address, key=lambda a: a.ip), f"addresses of {ns}")


def main(host, port, registrar, password, name):
    epp = EppCommunicator(host, port)
    greeting = epp.connect()
    if b"<greeting>" not in greeting:
        sys.exit(f"no greeting: {greeting!r}")
    done(epp.login(registrar, password), "login")
    external = [f"ns1.{name}.invalid", f"ns2.{name}.invalid"]
    contacts(epp, name, registrar)
    hosts(epp, external)
    domain(epp, name, registrar, external)
    glue(epp, name)
    done(epp.logout(), "logout", EppResultCode.SUCCESS_END_SESSION)
    print("passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
