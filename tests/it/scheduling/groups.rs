//! Group sessions of more than one provider.

use serde_json::{Value, json};

use super::desk::Desk;

#[tokio::test]
async fn a_session_of_two_providers_is_joined_as_it_is_offered() {
    let desk =
        Desk::with(json!({ "capacity": 4, "appointment_type": "group", "room_kind": "exam" }))
            .await;
    desk.add_asset("room", "exam").await;
    let other = desk.add_provider().await;
    let at = desk.at(3, 10, 0);
    // The one who leads is the second by name.
    let offered = async |team: [&str; 2]| {
        let text = at.format("%Y-%m-%dT%H:%M:%SZ");
        let place = format!(
            "/api/v1/scheduling/availability?service_id={}&facility_id={}&all_of={}&from={text}&limit=1",
            desk.service,
            desk.facility,
            team.join(",")
        );
        desk.staff.get(place).await.expect(200)["items"][0].clone()
    };
    let book = async |slot: &Value, room: bool| {
        let mut wish = desk.wish(&desk.another_patient().await, at);
        assert_eq!(slot["starts_at"], json!(at));
        wish["provider_id"] = slot["provider_ids"][0].clone();
        wish["other_provider_ids"] = json!([slot["provider_ids"][1]]);
        if room {
            wish["room_id"] = slot["room_id"].clone();
        }
        desk.staff.post("/api/v1/appointments", wish).await
    };
    let fresh = offered([&other, &desk.provider]).await;
    assert_eq!(fresh["provider_ids"], json!([other, desk.provider]));
    book(&fresh, true).await.expect(201);
    for (left, room) in [(3, true), (2, false)] {
        let begun = offered([&desk.provider, &other]).await;
        assert_eq!(
            (&begun["provider_ids"], &begun["places_left"]),
            (&json!([other, desk.provider]), &json!(left))
        );
        book(&begun, room).await.expect(201);
    }
    // Whoever names them the other way round joins as well, where the room is left open.
    let mut slot = offered([&desk.provider, &other]).await;
    slot["provider_ids"] = json!([desk.provider, other]);
    let made = book(&slot, false).await.expect(201);
    assert_eq!(made["provider_id"], json!(other));
    assert_eq!(desk.torn().await, (0, 0));
}
