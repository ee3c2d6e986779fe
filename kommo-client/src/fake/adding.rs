//! What is put into the account, and what a person changes in it. None of it is in the ledger.

use super::FakeKommo;
use super::kind::{Entity, Kind, Owner};
use super::links::LinkMeta;
use super::seed::FakeLead;

#[expect(clippy::must_use_candidate, reason = "what adds something is called for its effect")]
impl FakeKommo {
    /// Adds a pipeline with these ordinary stages (142 and 143 come by themselves). Returns the pipeline's id;
    /// those of its stages are in [`stage_ids`](Self::stage_ids).
    pub fn add_pipeline(&self, name: &str, stages: &[&str]) -> u64 {
        self.state().add_pipeline(name, stages)
    }

    /// Adds a custom field of leads and returns its id. `field_type` is Kommo's word: `text`, `numeric`, `date`, …
    ///
    /// Codes are unique: for a code that is there already this returns the id of the field that has it.
    pub fn add_field(&self, code: Option<&str>, name: &str, field_type: &str) -> u64 {
        self.state().add_field(Owner::All(Kind::Leads), code, name, field_type, &[])
    }

    /// Adds a custom field of the type `select` with these options and returns its id.
    pub fn add_select_field(&self, code: Option<&str>, name: &str, options: &[&str]) -> u64 {
        self.state().add_field(Owner::All(Kind::Leads), code, name, "select", options)
    }

    /// Adds an option to a field of the type `select`, `radiobutton` or `multiselect` and returns the option's id.
    pub fn add_option(&self, field: u64, value: &str) -> u64 {
        self.state().add_option(field, value)
    }

    /// Removes an option; values that chose it stay as they are.
    pub fn remove_option(&self, field: u64, value: &str) {
        self.state().remove_option(field, value);
    }

    /// Removes a custom field and its values, as an administrator would do in the middle of things.
    pub fn remove_field(&self, id: u64) {
        self.state().remove_field(id);
    }

    /// Adds the eight fields that billing needs: `PADDLE_TXN_ID`, `INVOICE_NUMBER`, `PLAN_NAME`, `PAYMENT_CURRENCY`,
    /// `PADDLE_SUB_ID`, `SUBSCRIPTION_STATUS` and `PAYMENT_STATUS` as `text`, and `NEXT_BILLING_DATE` as `date`.
    pub fn add_paddle_fields(&self) {
        let fields = [
            ("PADDLE_TXN_ID", "Paddle transaction", "text"),
            ("INVOICE_NUMBER", "Invoice number", "text"),
            ("PLAN_NAME", "Plan", "text"),
            ("PAYMENT_CURRENCY", "Payment currency", "text"),
            ("PADDLE_SUB_ID", "Paddle subscription", "text"),
            ("NEXT_BILLING_DATE", "Next billing date", "date"),
            ("SUBSCRIPTION_STATUS", "Subscription status", "text"),
            ("PAYMENT_STATUS", "Payment status", "text"),
        ];
        for (code, name, field_type) in fields {
            self.add_field(Some(code), name, field_type);
        }
    }

    /// Puts a lead into the account and returns its id. This is no write of a client: the ledger stays as it is.
    pub fn add_lead(&self, lead: FakeLead) -> u64 {
        self.state().add_lead(lead)
    }

    /// Puts a contact with these e-mail addresses, linked to these leads, into the account and returns its id.
    pub fn add_contact(&self, name: &str, emails: &[&str], lead_ids: &[u64]) -> u64 {
        self.state().add_contact(name, emails, lead_ids)
    }

    /// Moves a lead to the trash: GET answers 204 afterwards, and a write to it is refused.
    pub fn remove_lead(&self, id: u64) {
        self.state().remove_lead(id);
    }

    /// Moves a lead to another stage, unchecked, as a person would do in the middle of things. Not in the ledger.
    pub fn move_lead(&self, id: u64, pipeline_id: u64, status_id: u64) {
        self.state().move_lead(id, pipeline_id, status_id);
    }

    /// Deactivates a user: from now on it is refused wherever a user is named.
    pub fn deactivate_user(&self, id: u64) {
        for user in &mut self.state().users {
            user.is_active &= user.id != id;
        }
    }

    /// Puts a company, linked to these leads, into the account and returns its id.
    pub fn add_company(&self, name: &str, lead_ids: &[u64]) -> u64 {
        let mut state = self.state();
        let id = state.add_person(Kind::Companies, name);
        for lead in lead_ids {
            let lead = Entity::new(Kind::Leads, *lead);
            state.link(lead, Entity::new(Kind::Companies, id), LinkMeta::default());
        }
        id
    }

    /// Adds a catalog of products and returns its id.
    pub fn add_catalog(&self, name: &str) -> u64 {
        self.state().add_catalog(name)
    }

    /// Adds a custom field of the elements of a catalog and returns its id; see [`add_field`](Self::add_field).
    pub fn add_catalog_field(
        &self,
        catalog: u64,
        code: Option<&str>,
        name: &str,
        field_type: &str,
    ) -> u64 {
        self.state().add_field(Owner::Catalog(catalog), code, name, field_type, &[])
    }

    /// Adds an element to a catalog and returns its id.
    pub fn add_element(&self, catalog: u64, name: &str) -> u64 {
        self.state().add_element(catalog, name)
    }

    /// Links a lead with so many of an element.
    pub fn link_element(&self, lead: u64, element: u64, quantity: u64) {
        let meta = LinkMeta { quantity: Some(quantity.into()), ..LinkMeta::default() };
        let lead = Entity::new(Kind::Leads, lead);
        self.state().link(lead, Entity::new(Kind::Elements, element), meta);
    }

    /// Adds a Salesbot with this id. One that was not added cannot be started.
    pub fn add_salesbot(&self, id: u64) {
        self.state().bots.insert(id);
    }

    /// Lets a chat come in that nobody has taken yet, and returns the uid of the incoming lead.
    pub fn add_chat(&self, name: &str) -> String {
        self.state().add_chat(name)
    }
}
