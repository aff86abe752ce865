//! People are added by the command line, and set their own passwords.

use std::process::Output;

use crate::support::{Ledger, Person, Server};

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn add(server: &Server, email: &str, role: &str, more: &[&str]) -> Output {
    let mut args = vec!["user", "add", "--email", email, "--name", "Ada Byron", "--role", role];
    args.extend(more);
    server.run(&args)
}

#[tokio::test]
async fn a_person_is_added_sets_a_password_by_a_link_once_and_signs_in() {
    let server = Server::demo(&[]);
    let institution = server.institution(1).to_owned();
    let home = ["--institution", institution.as_str()];
    let added = add(&server, "Ada@Second.example", "compliance-officer", &home);
    assert!(added.status.success(), "{}", said(&added));
    let text = said(&added);
    let link = text.lines().find_map(|line| line.strip_prefix("set password ")).unwrap();
    let path = link.strip_prefix(server.base_url()).unwrap();
    let token = path.split_once("token=").unwrap().1;

    let mut ada = Person::nobody(&server);
    let form = ada.get(path).await;
    assert_eq!(form.status, 200);
    let set = async |ada: &mut Person, token: &str, password: &str, again: &str| {
        ada.post("/set-password", &[("token", token), ("password", password), ("again", again)]).await
    };
    let password = "correct horse battery";
    assert_eq!(set(&mut ada, token, password, "correct horse batterz").await.status, 422);
    let short = set(&mut ada, token, "short", "short").await;
    assert_eq!(short.status, 422);
    assert!(short.text().contains("12 characters"), "{}", short.text());
    for bad in ["", "x", &"A".repeat(43)] {
        assert_eq!(set(&mut ada, bad, password, password).await.status, 410, "{bad}");
    }
    let done = set(&mut ada, token, password, password).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, Some("/sign-in?password=set")));
    assert_eq!(set(&mut ada, token, "another horse battery", "another horse battery").await.status, 410);
    assert_eq!(ada.sign_in("ada@second.example", password, "/").await.status, 303);
    let page = ada.get("/transactions").await;
    assert_eq!(page.status, 200, "{}", page.text());

    // A new link ends the sessions of before, once it is used.
    let text = said(&server.run(&["user", "invite", "--email", "ada@second.example"]));
    let token = text.split_once("token=").unwrap().1.lines().next().unwrap();
    assert_eq!(ada.get("/keys").await.status, 200);
    assert_eq!(
        set(&mut Person::nobody(&server), token, "another horse battery", "another horse battery")
            .await
            .status,
        303
    );
    assert_eq!(ada.get("/keys").await.status, 303);
    assert_eq!(ada.sign_in("ada@second.example", password, "/").await.status, 403);
    assert_eq!(ada.sign_in("ada@second.example", "another horse battery", "/").await.status, 303);

    let listed = said(&server.run(&["user", "list"]));
    assert!(listed.contains("ada@second.example \"Ada Byron\" active"), "{listed}");

    let entries = Ledger::of(&server).naming(&institution, "ada@second.example").await;
    let actions: Vec<_> = entries.iter().map(|entry| entry.payload["action"].as_str().unwrap()).collect();
    let [link, set] = ["user.invite", "user.set_password"];
    assert_eq!(actions, ["user.add", link, set, link, set]);
    for secret in [password, "argon2", token] {
        assert!(
            Ledger::of(&server).naming(&institution, secret).await.is_empty(),
            "{secret} is on the ledger"
        );
    }
    let fsck = server.run(&["fsck"]);
    assert!(fsck.status.success(), "{}", said(&fsck));
}

#[test]
fn a_person_who_fits_nowhere_is_not_added() {
    let server = Server::shared();
    let institution = server.institution(0).to_owned();
    let home = ["--institution", institution.as_str()];
    let nowhere = ["--institution", "ins_0190163d8694739bba1a9fbee4e5c1b2"];
    for (email, role, more, why) in [
        ("x@bank.example", "admin", &[][..], "one of compliance-officer"),
        ("x@bank.example", "compliance-officer", &[], "--institution"),
        ("x@bank.example", "operator", &home, "no institution"),
        ("x@bank.example", "compliance-officer", &nowhere, "there is no institution"),
        ("x", "compliance-officer", &home, "e-mail"),
        ("OFFICER@bank.example", "compliance-officer", &home, "already"),
    ] {
        let refused = add(server, email, role, more);
        assert!(!refused.status.success(), "{email} {role} {more:?}");
        assert!(said(&refused).contains(why), "{why}: {}", said(&refused));
    }
}
