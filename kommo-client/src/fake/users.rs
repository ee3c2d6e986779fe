use serde_json::{Value, json};

use super::answer::{Answer, HTML, set};
use super::check::{Batch, Reader, batch, single};
use super::ledger::LedgerKind;
use super::query::Query;
use super::routes::{Entry, number};
use super::state::{Call, Role, State, User};

/// Users in one request, and the longest name (Kommo docs, users).
const MOST_USERS: usize = 10;
const LONGEST_NAME: usize = 50;

impl State {
    pub(super) fn list_users(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> = self.users.iter().map(|user| self.user_json(user)).collect();
        query.filter(&mut rows, &[])?;
        query.sort(&mut rows, &[])?;
        Ok(self.page(call, &query, "users", rows, true))
    }

    pub(super) fn get_user(&self, id: &str) -> Answer {
        let user = self.users.iter().find(|user| Some(user.id) == number(id));
        user.map_or_else(
            || Answer::problem(404, "User not found"),
            |user| Answer::ok(&self.user_json(user)),
        )
    }

    /// 201, with the users as they are read.
    pub(super) fn add_users(&mut self, call: &Call) -> Result<Answer, Answer> {
        at_most_ten(call)?;
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.expect_keys(&["name", "email", "password", "lang", "rights", "request_id"]);
            for key in ["name", "email", "rights"] {
                reader.require(key);
            }
            reader.filled_text("password");
            reader.text("lang");
            let name = reader.filled_text("name");
            if name.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
                let path = reader.path("name");
                reader.problems.too_long(path, LONGEST_NAME);
            }
            let email = reader.filled_text("email")?;
            if !email.contains('@') || self.users.iter().any(|user| user.email == email) {
                reader.refuse_choice("email");
            }
            let rights = self.check_rights(&mut reader)?;
            let mut body = reader.whole();
            if body.get("password").is_some() {
                // A ledger prints in failing tests.
                set(&mut body, "password", "[redacted]".into());
            }
            Some((name?.to_owned(), email.to_owned(), rights, request_id, body))
        })?;
        let mut items = Vec::new();
        for (name, email, rights, request_id, body) in good {
            let id = self.next_id();
            let user = User { id, name, email, rights, is_admin: false, is_active: true };
            let mut json = self.user_json(&user);
            set(&mut json, "request_id", request_id.into());
            items.push(json);
            self.users.push(user);
            self.write_down(call, Entry::of(LedgerKind::Administered, id, body));
        }
        Ok(Answer { status: 201, ..self.thin("users", "users", items) })
    }

    /// `POST users/activate` answers 202 and `deactivate` 204, both empty, in `text/html`.
    pub(super) fn switch_users(&mut self, call: &Call) -> Result<Answer, Answer> {
        at_most_ten(call)?;
        let active = call.path.ends_with("/activate");
        let Batch { good, .. } = batch(&call.body, false, |item, _, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.expect_keys(&["id"]);
            reader.require("id");
            let id = reader.id("id")?;
            if !self.users.iter().any(|user| user.id == id && !user.is_admin) {
                reader.refuse_choice("id");
            }
            Some((id, reader.whole()))
        })?;
        for (id, body) in good {
            if let Some(user) = self.users.iter_mut().find(|user| user.id == id) {
                user.is_active = active;
            }
            self.write_down(call, Entry::of(LedgerKind::Administered, id, body));
        }
        Ok(Answer::raw(if active { 202 } else { 204 }, HTML, Vec::new()))
    }

    pub(super) fn route_roles(&mut self, call: &Call, rest: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let query = Query::read(call)?;
                let rows = self.roles.values().map(|role| self.role_json(role)).collect();
                Ok(self.page(call, &query, "roles", rows, true))
            }
            ("POST", []) => self.add_roles(call),
            (method, [id]) => {
                let role = number(id).and_then(|id| self.roles.get(&id));
                let Some(role) = role.cloned() else {
                    return Err(Answer::problem(404, "Role not found"));
                };
                match method {
                    "GET" => Ok(Answer::ok(&self.role_json(&role))),
                    "PATCH" => self.update_role(call, role),
                    "DELETE" => {
                        self.roles.remove(&role.id);
                        let entry = Entry::of(LedgerKind::Administered, role.id, Value::Null);
                        self.write_down(call, entry);
                        Ok(Answer::nothing())
                    }
                    _ => Ok(Answer::problem(405, "Method Not Allowed")),
                }
            }
            _ => Ok(super::routes::not_found()),
        }
    }

    fn add_roles(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.require("name");
            reader.require("rights");
            let (name, rights) = self.check_role(&mut reader);
            Some((name?, rights?, request_id, reader.whole()))
        })?;
        let mut items = Vec::new();
        for (name, rights, request_id, body) in good {
            let id = self.next_id();
            let role = Role { id, name, rights };
            let mut json = self.role_json(&role);
            set(&mut json, "request_id", request_id.into());
            items.push(json);
            self.roles.insert(id, role);
            self.write_down(call, Entry::of(LedgerKind::Administered, id, body));
        }
        Ok(Answer { status: 201, ..self.thin("roles", "roles", items) })
    }

    fn update_role(&mut self, call: &Call, role: Role) -> Result<Answer, Answer> {
        let (name, rights) = single(&call.body, |item, _, problems| {
            Some(self.check_role(&mut Reader::new(item, "", problems)))
        })?;
        let id = role.id;
        let name = name.unwrap_or(role.name);
        let role = Role { id, name, rights: rights.unwrap_or(role.rights) };
        let json = self.role_json(&role);
        self.roles.insert(id, role);
        self.write_down(call, Entry::of(LedgerKind::Administered, id, call.body.clone()));
        Ok(Answer::ok(&json))
    }

    fn check_role(&self, reader: &mut Reader<'_, '_>) -> (Option<String>, Option<Value>) {
        reader.expect_keys(&["name", "rights", "request_id"]);
        let name = reader.filled_text("name").map(str::to_owned);
        let rights = match reader.get("rights") {
            None => None,
            Some(_) => self.check_rights(reader),
        };
        (name, rights)
    }

    /// `A` all, `G` group, `M` own, `D` denied; what is left out is denied.
    fn check_rights(&self, reader: &mut Reader<'_, '_>) -> Option<Value> {
        const ENTITY: [&str; 5] = ["view", "edit", "add", "delete", "export"];
        let rights = reader.object("rights")?;
        let mut reader = reader.nested(rights, "rights");
        reader.expect_keys(&[
            "leads",
            "contacts",
            "companies",
            "tasks",
            "mail_access",
            "catalog_access",
            "status_rights",
            "role_id",
            "group_id",
            "is_free",
        ]);
        for key in ["mail_access", "catalog_access", "is_free"] {
            reader.boolean(key);
        }
        reader.array("status_rights");
        reader.id("group_id");
        if reader.id("role_id").is_some_and(|id| !self.roles.contains_key(&id)) {
            reader.refuse_choice("role_id");
        }
        for (key, actions) in [
            ("leads", &ENTITY[..]),
            ("contacts", &ENTITY[..]),
            ("companies", &ENTITY[..]),
            ("tasks", &["edit", "delete"][..]),
        ] {
            let Some(object) = reader.object(key) else { continue };
            let mut reader = reader.nested(object, key);
            reader.expect_keys(actions);
            for action in actions {
                if reader.text(action).is_some_and(|own| !matches!(own, "A" | "G" | "M" | "D")) {
                    reader.refuse_choice(action);
                }
            }
        }
        Some(Value::Object(rights.clone()))
    }

    fn role_json(&self, role: &Role) -> Value {
        json!({
            "id": role.id,
            "name": role.name,
            "rights": role.rights,
            "_links": self.links_of(&format!("roles/{}", role.id)),
            "_embedded": {"users": []},
        })
    }

    fn user_json(&self, user: &User) -> Value {
        let mut rights = user.rights.clone();
        for (key, value) in
            [("is_admin", json!(user.is_admin)), ("is_active", json!(user.is_active))]
        {
            set(&mut rights, key, value);
        }
        for key in ["status_rights", "group_id", "role_id"] {
            if rights.get(key).is_none() {
                set(&mut rights, key, Value::Null);
            }
        }
        json!({
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "lang": "en",
            "rights": rights,
            "_links": self.links_of(&format!("users/{}", user.id)),
        })
    }
}

/// The rights of somebody who may do everything.
pub(super) fn all_rights() -> Value {
    let all = json!({"view": "A", "edit": "A", "add": "A", "delete": "A", "export": "A"});
    json!({
        "leads": all,
        "contacts": all,
        "companies": all,
        "tasks": {"edit": "A", "delete": "A"},
        "mail_access": false,
        "catalog_access": false,
        "is_free": false,
    })
}

fn at_most_ten(call: &Call) -> Result<(), Answer> {
    if call.body.as_array().is_some_and(|items| items.len() > MOST_USERS) {
        return Err(Answer::problem(400, "No more than 10 users at a time"));
    }
    Ok(())
}
