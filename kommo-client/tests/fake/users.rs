use kommo_client::{
    Access, ErrorKind, NewRole, NewTask, NewUser, Rights, RoleId, RolePatch, UserId,
};
use serde_json::json;
use time::macros::datetime;

use crate::http::{client, post, unlimited};

#[tokio::test]
async fn users_are_added_and_switched_off_and_on() {
    let kommo = unlimited().await;
    let client = client(&kommo);
    let new =
        NewUser::new("New rep", "new@b.example", Rights::same(&Access::All)).password("Secret1x");
    let made = client.users().create(std::slice::from_ref(&new)).await.expect("made");
    let user = client.users().get(made[0].id).await.expect("an answer").expect("a user");
    assert_eq!((user.name.as_deref(), user.is_active), (Some("New rep"), true));
    let error = client.users().create(&[new]).await.expect_err("the address is taken");
    assert!(matches!(error.kind(), ErrorKind::Validation(_)), "{error:?}");
    assert!(!format!("{:?}", kommo.ledger()).contains("Secret1x"), "no password is kept");

    let task =
        || NewTask::new("Call", datetime!(2026-12-01 17:00 UTC)).responsible_user(made[0].id);
    client.users().deactivate(&[made[0].id]).await.expect("off");
    client.tasks().create(&[task()]).await.expect_err("nobody's task");
    client.users().activate(&[made[0].id]).await.expect("on");
    client.tasks().create(&[task()]).await.expect("a task");
    let statuses: Vec<_> = kommo
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("activate"))
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [204, 202]);
    let error =
        client.users().deactivate(&[UserId::new(8_375_357)]).await.expect_err("an administrator");
    assert_eq!(error.status(), Some(400));
    assert_eq!(client.users().list().await.expect("a list").len(), 4);
}

#[tokio::test]
async fn roles_are_made_changed_and_deleted() {
    let kommo = unlimited().await;
    let users = client(&kommo).users();
    assert_eq!(users.roles().await.expect("a list"), []);
    let made =
        users.create_roles(&[NewRole::new("Rep", Rights::same(&Access::Own))]).await.expect("made");
    let role = users.role(made[0].id).await.expect("an answer").expect("a role");
    assert_eq!(role.rights.leads.as_ref().map(|rights| &rights.edit), Some(&Access::Own));
    let change = RolePatch::new(made[0].id).name("Senior").rights(Rights::same(&Access::Group));
    users.update_role(&change).await.expect("changed");
    let role = users.role(made[0].id).await.expect("an answer").expect("a role");
    assert_eq!(role.name.as_deref(), Some("Senior"));
    assert_eq!(role.rights.tasks.as_ref().map(|rights| &rights.delete), Some(&Access::Group));
    let new = NewUser::new("A", "a@b.example", Rights::of_role(made[0].id));
    users.create(&[new]).await.expect("a user of the role");
    users.delete_role(made[0].id).await.expect("deleted");
    assert_eq!(users.role(made[0].id).await.expect("an answer"), None);
    let new = NewUser::new("B", "b@b.example", Rights::of_role(RoleId::new(1)));
    let error = users.create(&[new]).await.expect_err("no such role");
    assert!(matches!(error.kind(), ErrorKind::Validation(_)), "{error:?}");
}

#[tokio::test]
async fn what_no_user_has_is_refused() {
    let kommo = unlimited().await;
    let user = |rights| json!([{"name": "A", "email": "a@b.example", "rights": rights}]);
    for (body, path) in [
        (json!([{"name": "A", "email": "nobody", "rights": {}}]), "email"),
        (json!([{"name": "A".repeat(51), "email": "a@b.example", "rights": {}}]), "name"),
        (user(json!({"leads": {"view": "X"}})), "rights.leads.view"),
        (user(json!({"tasks": {"view": "A"}})), "rights.tasks.view"),
        (user(json!({"is_admin": true})), "rights.is_admin"),
    ] {
        assert_eq!(post(&kommo, "users", &body).await.problem().1, path, "{body}");
    }
    let many: Vec<_> = (0..11).map(|id| json!({"id": id})).collect();
    assert_eq!(post(&kommo, "users/activate", &json!(many)).await.status, 400);
}
