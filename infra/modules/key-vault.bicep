// A vault for the one thing that has no identity: the key of a video service of your own. Made only where there is one.

@description('Name of the vault.')
@minLength(3)
@maxLength(24)
param name string

@description('Its region.')
param location string

@description('Its tags.')
param tags object

@description('The key.')
@secure()
param videoServiceKey string

@description('Principal id of the app\'s identity.')
param appPrincipalId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  // checkov:skip=CKV_AZURE_109: a consumption plan has no address of its own to let in; every access needs a token
  // checkov:skip=CKV_AZURE_189: as above: the platform reads the secret over the vault's public address
  // checkov:skip=CKV_AZURE_110: azd down --purge must be able to remove what azd up has made; the key is yours, not the vault's
  // checkov:skip=CKV_AZURE_42: as above; deleted secrets are kept for a week
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    publicNetworkAccess: 'Enabled'
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  // checkov:skip=CKV_AZURE_41: when a key of somebody else's server expires is known to that server alone
  parent: vault
  name: 'video-service-key'
  properties: {
    contentType: 'text/plain'
    value: videoServiceKey
  }
}

// The platform reads the secret with the app's identity, when it resolves the reference in the setting.
resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

@description('Where this version of the secret is: a new key changes the setting, and so is read at once, not within a day.')
output secretUri string = secret.properties.secretUriWithVersion
